// The functions that the host calls. Values come and go as JSON texts.
import './shims/utf8.mjs';
import './shims/search.mjs';
import './shims/url.mjs';
import jsonschema from 'jsonschema';
import { configure, contextOf, rendererOf, status } from './renderers.mjs';
import { tainted, texts } from './taint.mjs';

export { configure };

// An exhausted memory looks like a failure of the template to the renderer. It has to end the call, not to be passed over.
function isExhausted(error) {
  return error instanceof Error && /(^|: )out of memory( in regexp execution)?$/.test(error.message);
}

// Renders every text within template. A text with a failure in it stays as it is; undefined takes its key away.
function render(template, renderer, context) {
  return JSON.parse(template, (_key, value) => {
    if (typeof value !== 'string') return value;
    try {
      return renderer.renderValue(value, context);
    } catch (error) {
      if (isExhausted(error)) throw error;
      return value;
    }
  });
}

// Where secrets are in a context.
const places = [['secrets'], ['environment', 'secrets']];

function at(value, path) {
  return path.reduce((within, name) => within?.[name], value);
}

function place(context, secrets, replace) {
  return places.reduce((changed, path) => {
    const found = at(secrets, path);
    return found === undefined ? changed : changed.withValue(path, replace(found));
  }, context);
}

function withoutSecrets(context, secrets, plain) {
  const emptied = place(context, secrets, () => ({}));
  return Object.entries(plain).reduce((changed, [name, value]) => changed.withValue([name], value), emptied);
}

function hasAny(secrets) {
  return places.some((path) => Object.keys(at(secrets, path) ?? {}).length > 0);
}

function comparison(value, template, renderer, context) {
  try {
    const plain = render(template, renderer, context);
    return { plain, tainted: [...new Set(tainted(value, plain))] };
  } catch (error) {
    if (isExhausted(error)) throw error;
    return { tainted: [...new Set(texts(value))] };
  }
}

/** Renders a value: see Language.Value of the host. Answers undefined when variables are wanted. */
export function value(template, kind, filters, key, variables, each, secretsText, plainText, failed) {
  const renderer = rendererOf(kind, filters);
  const shared = contextOf(renderer, kind, key, variables);
  if (shared === undefined) return undefined;
  const context = each === '' ? shared : shared.withValue(['each'], JSON.parse(each));
  const secrets = JSON.parse(secretsText);
  status.failed = failed;
  status.read = false;
  const rendered = render(template, renderer, place(context, secrets, (found) => found));
  const { read } = status;
  const compared = hasAny(secrets)
    ? comparison(rendered, template, renderer, withoutSecrets(context, secrets, JSON.parse(plainText)))
    : {};
  return JSON.stringify({ value: rendered, ...compared, read });
}

/** Renders the text of a file, in which a failure is thrown. Answers undefined when variables are wanted. */
export function file(text, kind, filters, key, variables) {
  const renderer = rendererOf(kind, filters);
  const context = contextOf(renderer, kind, key, variables);
  return context === undefined ? undefined : renderer.render(text, context);
}

// Values of secrets are not for messages, so instances are left out.
function aboutSecret(error) {
  const property = error.property.replace(/^instance/, 'secrets');
  const message = error.name === 'required' ? `secrets.${error.argument} is required` : `${property} ${error.message}`;
  return { ...error, property, message, instance: {} };
}

/** Checks an instance against a schema; answers the violations. */
export function validate(schema, instance, property) {
  const { errors } = jsonschema.validate(JSON.parse(instance), JSON.parse(schema));
  return JSON.stringify(property === 'secrets' ? errors.map(aboutSecret) : errors);
}
