// The server of a storefront: three routes of @akinon/next, unchanged, as a brand mounts them.

import { createServer } from "node:http";
import { apiResolver } from "next/dist/server/api-utils/node/api-resolver";
import Auth from "@akinon/next/api/auth";
import * as client from "@akinon/next/api/client";
import * as logout from "@akinon/next/api/logout";

const PREVIEW = { previewModeId: "", previewModeEncryptionKey: "", previewModeSigningKey: "" };

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

// A route handler of the app router: a Request in, a Response out.
async function answer(routes, request, response, params) {
  const body = request.method === "GET" ? undefined : await bodyOf(request);
  const url = `http://${request.headers.host}${request.url}`;
  const result = await routes[request.method](
    new Request(url, { method: request.method, headers: request.headers, body }),
    { params },
  );
  response.writeHead(result.status, Object.fromEntries(result.headers));
  response.end(Buffer.from(await result.arrayBuffer()));
}

async function handle(request, response) {
  const url = new URL(request.url, "http://storefront");
  const segments = url.pathname.split("/").filter(Boolean).map(decodeURIComponent);
  const [, route, ...slug] = segments;
  if (route === "auth") {
    const query = { ...Object.fromEntries(url.searchParams), nextauth: slug };
    await apiResolver(request, response, query, { default: Auth }, PREVIEW, true);
  } else if (route === "logout") {
    await answer(logout, request, response, {});
  } else {
    await answer(client, request, response, { slug });
  }
}

export async function serve(port) {
  const server = createServer((request, response) =>
    handle(request, response).catch((error) => {
      console.error(error);
      response.writeHead(500).end();
    }),
  );
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
}
