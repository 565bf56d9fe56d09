// The route table of a brand: the account code of @akinon/next reads one entry.
export const ROUTES = { AUTH: "/users/auth" };
