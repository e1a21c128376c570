// Makes nodes of the host's fragments. Nothing that arrives as text becomes part of a page before it was looked at.
import { HTML, SVG, htmlElements, mayHave, svgElements } from './allowed';
import { attributesOf, get, nameOf, put, removeElement, spaceOf, take } from './unclobbered';

interface Policy {
  createHTML(text: string): string;
}

interface TrustedTypes {
  createPolicy(name: string, rules: { createHTML(text: string): string }): Policy;
}

let policy: Policy | undefined;

/**
 * A text for a place that asks for Trusted Types. The policy changes nothing: what is made with it is parsed into documents
 * that run nothing, and checked there. A page whose CSP names its policies has to allow "callboard".
 */
export function trusted(text: string): string {
  if (!policy) {
    const types = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
    const rules = { createHTML: (html: string) => html };
    policy = rules;
    try {
      policy = types?.createPolicy('callboard', rules) ?? rules;
    } catch {
      // Another copy of the elements made it, and the page allows no second one: the text stays a text, which a page that
      // enforces Trusted Types then refuses.
    }
  }
  return policy.createHTML(text);
}

/** The nodes of a fragment, without anything that is not allowed. Addresses are relative to the host. */
export function nodesOf(html: string, root: string): DocumentFragment {
  // The content of a template belongs to a document that runs and loads nothing.
  const template = document.createElement('template');
  template.innerHTML = trusted(html);
  clean(template.content, root);
  return document.importNode(template.content, true);
}

/** Removes what is not allowed, with what is in it: what a parser made of a forbidden element has no meaning left. */
function clean(top: DocumentFragment, root: string) {
  const walker = document.createTreeWalker(top, 0xffffffff);
  let node = walker.nextNode();
  while (node) {
    const here: Node = node;
    const good = here instanceof Element ? cleanElement(here, root) : here instanceof Text;
    node = good ? walker.nextNode() : after(walker);
    if (good) continue;
    if (here instanceof Element) removeElement(here);
    else (here as ChildNode).remove();
  }
}

/** The next node that is not below the current one. */
function after(walker: TreeWalker): Node | null {
  let next: Node | null = walker.nextSibling();
  while (!next && walker.parentNode()) next = walker.nextSibling();
  return next;
}

function cleanElement(element: Element, root: string): boolean {
  const name = nameOf(element);
  const space = spaceOf(element);
  const known = (space === HTML && htmlElements.has(name)) || (space === SVG && svgElements.has(name));
  // A customised built-in element would run code of the page.
  if (!known || get(element, 'is') !== null) return false;
  for (const attribute of [...attributesOf(element)]) {
    const plain = !attribute.namespaceURI || (attribute.name === 'xmlns' && attribute.value === SVG);
    if (!plain || !mayHave(name, space === SVG, attribute.name, attribute.value, root)) take(element, attribute);
  }
  for (const address of ['href', 'src', 'action']) settle(element, address, root);
  if (name === 'a') put(element, 'rel', 'noopener noreferrer');
  return true;
}

/** Addresses of a fragment are the host's, wherever the fragment is shown; a place on the page stays one. */
function settle(element: Element, attribute: string, root: string) {
  const value = get(element, attribute);
  if (value === null || /^(#|data:)/.test(value)) return;
  put(element, attribute, /^\/(?![/\\])/.test(value) ? root + value : new URL(value, root + '/').href);
}
