// A browser for the client code: cookies, `document.cookie` and paths relative to the storefront.

const cookies = new Map();
const serverFetch = globalThis.fetch;
const ServerRequest = globalThis.Request;

function store(header) {
  const [pair, ...attributes] = header.split("; ");
  const [name, ...value] = pair.split("=");
  const isOver = attributes.some((text) => /^expires=Thu, 01 Jan 1970|^max-age=0/i.test(text));
  const isHidden = attributes.some((text) => /^httponly/i.test(text));
  if (isOver) cookies.delete(name);
  else cookies.set(name, { value: value.join("="), isHidden });
}

// The client sends a refused request four times, with seconds between: here its clock is faster.
const serverTimeout = globalThis.setTimeout;
const SPEED = 50;

const text = (entries) => entries.map(([name, { value }]) => `${name}=${value}`).join("; ");

// Requests to the storefront are the browser's; all others are those of the storefront's server.
export function openBrowser(origin) {
  const absolute = (input) =>
    typeof input === "string" && input.startsWith("/") ? origin + input : input;
  globalThis.Request = class extends ServerRequest {
    constructor(input, init) {
      super(absolute(input), init);
    }
  };
  globalThis.fetch = async (input, init) => {
    const request = new ServerRequest(absolute(input), init);
    if (!request.url.startsWith(origin)) return serverFetch(input, init);
    request.headers.set("cookie", text([...cookies]));
    request.headers.set("referer", `${origin}/users/auth`);
    const response = await serverFetch(request);
    response.headers.getSetCookie().forEach(store);
    return response;
  };
  globalThis.setTimeout = (action, ms, ...parameters) =>
    serverTimeout(action, ms / SPEED, ...parameters);
  globalThis.document = {
    get cookie() {
      return text([...cookies].filter(([, { isHidden }]) => !isHidden));
    },
  };
  globalThis.window = { location: { href: `${origin}/users/auth`, origin, reload() {} } };
}

export const cookieNames = () => [...cookies.keys()].sort();

export const clearCookies = () => cookies.clear();
