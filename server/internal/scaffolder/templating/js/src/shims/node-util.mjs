// The part of node:util that nunjitsu asks for. Everything in this world was made by JSON.parse or by nunjitsu itself,
// neither of which makes a Proxy, so there is none to tell apart.
export const types = {
  isProxy: () => false,
  isMap: (value) => value instanceof Map,
  isSet: (value) => value instanceof Set,
  isNativeError: (value) => value instanceof Error,
};
