// Runs the account code of @akinon/next: one JSON command per line in, one JSON result per line out.

import { createInterface } from "node:readline";
import { configureStore } from "@reduxjs/toolkit";
import { getSession, signIn, signOut } from "next-auth/react";
import { api } from "@akinon/next/data/client/api";
import "@akinon/next/data/client/account";
import "@akinon/next/data/client/user";
import { clearCookies, cookieNames, openBrowser } from "./browser.mjs";
import { serve } from "./server.mjs";

// Standard output carries results only.
console.log = console.info = console.error;

const port = Number(process.env.PORT);
openBrowser(`http://127.0.0.1:${port}`);

const store = configureStore({
  reducer: { api: api.reducer },
  middleware: (defaults) => defaults({ serializableCheck: false }).concat(api.middleware),
});

// What a page gets from an endpoint: `data`, or `error` with `status` and `data`.
async function call(name, argument) {
  const options = api.endpoints[name].useQuery ? { forceRefetch: true } : undefined;
  const { data, error } = await store.dispatch(api.endpoints[name].initiate(argument, options));
  return error ? { status: error.status, error: error.data } : { data: data ?? null };
}

const COMMANDS = {
  // The forms of the pages for registration and login.
  async sign(fields) {
    const result = await signIn("default", {
      redirect: false,
      callbackUrl: "/",
      locale: "en",
      captchaValidated: false,
      ...fields,
    });
    return result.error ? { errors: JSON.parse(result.error) } : { ok: result.ok };
  },
  async session() {
    return (await getSession())?.user ?? null;
  },
  async signOut() {
    await signOut({ redirect: false });
    return cookieNames();
  },
  async newBrowser() {
    clearCookies();
    store.dispatch(api.util.resetApiState());
    return cookieNames();
  },
  // A token for writing requests, as a page of the storefront fetches it.
  async csrf() {
    const response = await fetch("/api/client/csrf_token");
    const { csrf_token } = await response.json();
    return csrf_token.length;
  },
  call,
};

async function main() {
  await serve(port);
  process.stdout.write(`${JSON.stringify("ready")}\n`);
  for await (const line of createInterface({ input: process.stdin })) {
    const [name, ...parameters] = JSON.parse(line);
    const result = await COMMANDS[name](...parameters);
    process.stdout.write(`${JSON.stringify(result ?? null)}\n`);
  }
  process.exit(0);
}

main();
