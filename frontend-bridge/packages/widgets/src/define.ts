// Defines the elements. Names of elements are those of a whole page and are given once, while several versions of this
// package may be on it: each defines its elements below a name with its contract as well, and takes the plain names when
// they are free.
import { CallboardAccessRequest } from './access-request';
import { CallboardBadge } from './badge';
import { CallboardConfig } from './config';
import { CallboardApiDocs, CallboardDocs } from './documents';
import { CONTRACT } from './element';
import { CallboardWidget } from './widget';

const elements = {
  'callboard-config': CallboardConfig,
  'callboard-widget': CallboardWidget,
  'callboard-badge': CallboardBadge,
  'callboard-api-docs': CallboardApiDocs,
  'callboard-docs': CallboardDocs,
  'callboard-access-request': CallboardAccessRequest,
};

export type Name = keyof typeof elements;

/** Defines all elements that are not defined yet. The configuration comes first, for the others read it. */
export function define() {
  if (typeof customElements === 'undefined') return;
  for (const [name, element] of Object.entries(elements)) {
    // A class is good for one name, so each name has its own.
    for (const tag of [name, `${name}-v${CONTRACT}`]) {
      if (!customElements.get(tag)) customElements.define(tag, class extends (element as typeof CallboardWidget) {});
    }
  }
}

/** The name below which an element of this contract is to be made: another version may have the plain one. */
export function tagOf(name: Name): string {
  const defined = globalThis.customElements?.get(name) as { contract?: number } | undefined;
  return !defined || defined.contract === CONTRACT ? name : `${name}-v${CONTRACT}`;
}
