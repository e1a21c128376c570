// The elements as templates know them: in TypeScript, in JSX of any React, in Vue.
import type { CallboardAccessRequest } from './access-request';
import type { CallboardBadge } from './badge';
import type { CallboardConfig } from './config';
import type { CallboardApiDocs, CallboardDocs } from './documents';
import type { Navigation } from './links';
import type { Fetcher } from './session';
import type { TokenProvider } from './token';
import type { CallboardWidget } from './widget';

export type { CallboardAccessRequest, CallboardApiDocs, CallboardBadge, CallboardConfig, CallboardDocs, CallboardWidget, Navigation };

/** How a state is called: of a fragment, of an element's data-status. */
export type Status = 'ok' | 'empty' | 'partial' | 'stale' | 'error' | 'denied';

export type Theme = 'light' | 'dark' | 'auto';

export interface ReadyDetail {
  id: string;
  status: Status;
  /** From the question to the fragment. */
  ms: number;
}

export interface ErrorDetail {
  id: string;
  /** token, network, answer, or the status of a fragment. */
  code: string;
  /** Of the host's answer; 0 = there was none. */
  status: number;
  message: string;
}

/** What was chosen in a chart; nothing = the whole of it again. */
export interface RangeDetail {
  from?: string;
  to?: string;
}

export interface SubmitDetail {
  id: string;
  status: number;
  message: string;
}

/** Events of the elements. They bubble and leave shadow roots; callboard-navigate and callboard-range can be prevented. */
export interface CallboardEvents {
  'callboard-ready': CustomEvent<ReadyDetail>;
  'callboard-error': CustomEvent<ErrorDetail>;
  'callboard-navigate': CustomEvent<Navigation>;
  'callboard-submit': CustomEvent<SubmitDetail>;
  'callboard-range': CustomEvent<RangeDetail>;
}

/** Attributes that all elements have. */
export interface SharedAttributes {
  /** The address of the host; that of the page's <callboard-config> or of embed.js is the default. */
  base?: string;
  /** The address of the page's own backend that answers tokens. */
  'token-provider'?: string;
  theme?: Theme;
  lang?: string;
}

export interface ConfigAttributes extends SharedAttributes {
  /** The id by which the host knows the page; frames need it. */
  app?: string;
}

export interface WidgetAttributes extends SharedAttributes {
  /** plugin/widget */
  name?: string;
  /** kind:namespace/name */
  entity?: string;
  /** Such as 24h, 7d, 30d. */
  range?: string;
  from?: string;
  to?: string;
  /** JSON */
  args?: string;
  mode?: 'inline' | 'frame';
  app?: string;
  /** Pixels to keep; without it the height is that of the content. */
  height?: number | string;
  'heading-level'?: number | string;
  'max-points'?: number | string;
}

export interface AccessRequestAttributes extends WidgetAttributes {
  /** The entity that access is asked to. */
  api?: string;
}

export interface BadgeAttributes extends SharedAttributes {
  name?: string;
  entity?: string;
}

export interface ApiDocsAttributes extends SharedAttributes {
  entity?: string;
  renderer?: 'callboard' | 'swagger-ui' | 'redoc';
  'heading-level'?: number | string;
  /** Makes the fragment of the page's address follow what is shown. */
  linked?: boolean | '';
}

export interface DocsAttributes extends SharedAttributes {
  entity?: string;
  path?: string;
  'heading-level'?: number | string;
  linked?: boolean | '';
}

/** Properties that only scripts can set. */
export interface SharedProperties {
  fetcher?: Fetcher;
  tokenProvider?: string | TokenProvider;
}

/** Attributes by the name of the element. */
export interface CallboardElements {
  'callboard-config': ConfigAttributes;
  'callboard-widget': WidgetAttributes;
  'callboard-badge': BadgeAttributes;
  'callboard-api-docs': ApiDocsAttributes;
  'callboard-docs': DocsAttributes;
  'callboard-access-request': AccessRequestAttributes;
}

/** What JSX lets be written; extends a framework's own attributes, such as React's. */
export type JSXElements<Base = { id?: string; class?: string; className?: string; style?: unknown; slot?: string; children?: unknown; key?: unknown; ref?: unknown }> = {
  [Name in keyof CallboardElements]: CallboardElements[Name] & Base;
};

declare global {
  interface HTMLElementTagNameMap {
    'callboard-config': CallboardConfig;
    'callboard-widget': CallboardWidget;
    'callboard-badge': CallboardBadge;
    'callboard-api-docs': CallboardApiDocs;
    'callboard-docs': CallboardDocs;
    'callboard-access-request': CallboardAccessRequest;
  }
  interface HTMLElementEventMap extends CallboardEvents {}
}
