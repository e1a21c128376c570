// Renderers and prepared contexts, which are made once and used for many texts.
import { createTemplateRenderer } from 'nunjitsu';
import { scaffolderFilters } from './filters.mjs';

const host = globalThis.callboardHost;
delete globalThis.callboardHost;

/** What always() and failure() know, and whether a template asked them. */
export const status = { failed: false, read: false };

const statusGlobals = {
  always() {
    status.read = true;
    return true;
  },
  failure() {
    status.read = true;
    return status.failed;
  },
};

let ownFilters = scaffolderFilters([]);
let renderers = new Map();
let contexts = new Map();
let hostFilters = '[]';

const mostContexts = 4;

/** Takes the hosts that are configured, as JSON: [{type, host}]. */
export function configure(integrations) {
  ownFilters = scaffolderFilters(JSON.parse(integrations));
  forget();
}

function forget() {
  renderers = new Map();
  contexts = new Map();
}

// A value crosses to the host and back as JSON. Undefined is null there, and an empty answer is undefined here.
function hostFilter(id) {
  return (input, ...args) => {
    const answer = host(id, JSON.stringify(input ?? null), JSON.stringify(args.map((argument) => argument ?? null)));
    return answer === '' ? undefined : JSON.parse(answer);
  };
}

// A name that the language refuses would make every renderer fail, so it is left out: the filter is unknown then.
function accepted(id) {
  try {
    createTemplateRenderer({ filters: { [id]: () => undefined } });
    return true;
  } catch {
    return false;
  }
}

function create(kind, ids) {
  const filters = { ...ownFilters };
  for (const id of JSON.parse(ids)) if (accepted(id)) filters[id] = hostFilter(id);
  return createTemplateRenderer({
    allowRegexExecution: true,
    filters,
    globals: kind.includes('s') ? statusGlobals : {},
    cookiecutterCompat: kind.includes('c'),
    trimBlocks: kind.includes('t'),
    lstripBlocks: kind.includes('l'),
  });
}

/**
 * The renderer of a kind, which is letters: s = always() and failure() are known, c = cookiecutterCompat, t = trimBlocks,
 * l = lstripBlocks. ids are the filters of the host, a JSON array.
 */
export function rendererOf(kind, ids) {
  if (ids !== hostFilters) {
    forget();
    hostFilters = ids;
  }
  if (!renderers.has(kind)) renderers.set(kind, create(kind, ids));
  return renderers.get(kind);
}

/**
 * The context of variables, a JSON object. Without variables it is the one that was kept under key, or undefined when
 * there is none any more. An empty key keeps nothing.
 */
export function contextOf(renderer, kind, key, variables) {
  const name = `${kind}:${key}`;
  if (variables === undefined) {
    const kept = contexts.get(name);
    if (kept === undefined) return undefined;
    contexts.delete(name);
    contexts.set(name, kept); // the last one used is the last one to go
    return kept;
  }
  const context = renderer.prepareContext(JSON.parse(variables));
  if (key !== '') {
    contexts.set(name, context);
    if (contexts.size > mostContexts) contexts.delete(contexts.keys().next().value);
  }
  return context;
}
