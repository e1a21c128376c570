// URL, over the state machine of npm whatwg-url, without its wrappers of Web IDL. Only what jsonschema and the filters
// read; nothing here can be changed after it was made.
import machine from 'whatwg-url/lib/url-state-machine.js';
import urlencoded from 'whatwg-url/lib/urlencoded.js';

// jsonschema resolves the same few addresses at every step of a schema.
const remembered = new Map();
const mostRemembered = 64;
const parameters = new WeakMap(); // of those addresses, which filters ask for again

class URLSearchParams {
  #pairs;
  constructor(query) {
    this.#pairs = urlencoded.parseUrlencodedString(query);
  }
  has(name) {
    return this.#pairs.some(([key]) => key === name);
  }
  get(name) {
    return this.#pairs.find(([key]) => key === name)?.[1] ?? null;
  }
}

function parse(address, base) {
  const key = `${address}\n${base ?? ''}`;
  let record = remembered.get(key);
  if (record === undefined) {
    const baseURL = base === undefined ? null : parse(base);
    record = machine.basicURLParse(address, { baseURL }) ?? parseBesideOpaque(address, baseURL);
    if (record === null) throw new TypeError('Invalid URL');
    if (remembered.size >= mostRemembered) remembered.clear();
    if (key.length < 1024) remembered.set(key, record);
  }
  return record;
}

// Node takes a path with a fragment at a base without a hierarchy, which the standard refuses, and jsonschema counts on it
// for references into $defs.
function parseBesideOpaque(address, base) {
  const opaque = base !== null && machine.hasAnOpaquePath(base);
  return opaque && address.startsWith('/') && address.includes('#') ? machine.basicURLParse(`${base.scheme}:${address}`) : null;
}

globalThis.URL = class URL {
  #record;
  constructor(address, base) {
    this.#record = parse(String(address), base === undefined ? undefined : String(base));
  }
  get protocol() {
    return `${this.#record.scheme}:`;
  }
  get host() {
    const { host, port } = this.#record;
    if (host === null) return '';
    return port === null ? machine.serializeHost(host) : `${machine.serializeHost(host)}:${port}`;
  }
  get pathname() {
    return machine.serializePath(this.#record);
  }
  get search() {
    return this.#record.query ? `?${this.#record.query}` : '';
  }
  get hash() {
    return this.#record.fragment ? `#${this.#record.fragment}` : '';
  }
  get searchParams() {
    if (!parameters.has(this.#record)) parameters.set(this.#record, new URLSearchParams(this.#record.query ?? ''));
    return parameters.get(this.#record);
  }
  toString() {
    return machine.serializeURL(this.#record);
  }
};
