// The elements of Callboard as components of Vue 3, and a plugin that tells all of them where their host is.
//
// On a server a component is the element with its default slot, which stays until the browser shows the widget.
import '@callboard/widgets/register';
import type * as W from '@callboard/widgets';
import { tagOf, type Name } from '@callboard/widgets';
import { defineComponent, h, inject, type App, type ComponentObjectPropsOptions, type InjectionKey, type Plugin, type PropType } from 'vue';

export { isCustomElement } from './tags.js';
export type { ErrorDetail, Fetcher, Navigation, RangeDetail, ReadyDetail, Status, SubmitDetail, Theme, TokenAnswer, TokenProvider } from '@callboard/widgets';

/** What all elements of an app have in common. What an element or a <CallboardConfig> says itself goes before it. */
export interface CallboardOptions {
  base?: string;
  app?: string;
  tokenProvider?: string | W.TokenProvider;
  fetcher?: W.Fetcher;
}

const optionsKey: InjectionKey<CallboardOptions> = Symbol('callboard');

const text = String;
const numeric = [Number, String] as PropType<number | string>;

/** What every element takes. A function that is given to several elements is to be the same for all: they share its tokens. */
const sharedProps = {
  base: text,
  theme: text as unknown as PropType<W.Theme>,
  lang: text,
  tokenProvider: [String, Function] as PropType<string | W.TokenProvider>,
  fetcher: Function as PropType<W.Fetcher>,
};

const widgetProps = {
  ...sharedProps,
  entity: text,
  range: text,
  from: text,
  to: text,
  args: Object as PropType<Record<string, unknown>>,
  mode: text as unknown as PropType<'inline' | 'frame'>,
  app: text,
  height: numeric,
  headingLevel: numeric,
  maxPoints: numeric,
};

const documentProps = { ...sharedProps, entity: { type: text, required: true as const }, headingLevel: numeric, linked: Boolean };

/** What happens in an element: the detail, and the event itself, which can be prevented for navigate and range. */
const emits = {
  ready: (_detail: W.ReadyDetail, _event: Event) => true,
  error: (_detail: W.ErrorDetail, _event: Event) => true,
  navigate: (_detail: W.Navigation, _event: Event) => true,
  submit: (_detail: W.SubmitDetail, _event: Event) => true,
  range: (_detail: W.RangeDetail, _event: Event) => true,
};
const happenings = Object.keys(emits) as (keyof typeof emits)[];

function component<P extends ComponentObjectPropsOptions>(name: string, element: Name, props: P) {
  return defineComponent({
    name,
    props,
    emits,
    setup(given, { emit, slots }) {
      const options = inject(optionsKey, {});
      const tell = emit as unknown as (name: string, detail: unknown, event: Event) => void;
      const listeners = Object.fromEntries(
        happenings.map(happening => [listenerName(happening), (event: Event) => tell(happening, (event as CustomEvent).detail, event)]),
      );
      // What the app says of a host is not for an element that names another one.
      const own = given as Record<string, unknown>;
      return () => {
        const all = own.base || element === 'callboard-config' ? own : { ...options, ...defined(own) };
        return h(tagOf(element), { ...attributesOf(all, Object.keys(props)), ...propertiesOf(all), ...listeners }, slots.default?.());
      };
    },
  });
}

/** The name by which Vue knows a listener for the event callboard-<happening>. */
const listenerName = (happening: string) => `onCallboard${happening[0]!.toUpperCase()}${happening.slice(1)}`;

const defined = (props: object) => Object.fromEntries(Object.entries(props).filter(([, value]) => value !== undefined));

function attributesOf(all: Record<string, unknown>, names: string[]): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const name of names) {
    const value = all[name];
    if (value === undefined || value === null || value === false || typeof value === 'function') continue;
    const attribute = name.replace(/[A-Z]/g, letter => '-' + letter.toLowerCase());
    attributes[attribute] = value === true ? '' : name === 'args' ? JSON.stringify(value) : String(value);
  }
  return attributes;
}

/** What attributes cannot hold; a server has no use for it. */
function propertiesOf({ fetcher, tokenProvider }: Record<string, unknown>): Record<string, unknown> {
  if (typeof document === 'undefined') return {};
  return { '.fetcher': fetcher, '.tokenProvider': typeof tokenProvider === 'function' ? tokenProvider : undefined };
}

/** What the elements inside of it have in common. */
export const CallboardConfig = component('CallboardConfig', 'callboard-config', { ...sharedProps, app: text });

/** One widget of the host. */
export const CallboardWidget = component('CallboardWidget', 'callboard-widget', { ...widgetProps, name: { type: text, required: true as const } });

/** The form with which somebody asks for access to an API. */
export const CallboardAccessRequest = component('CallboardAccessRequest', 'callboard-access-request', { ...widgetProps, api: { type: text, required: true as const }, name: text });

/** The last value of a widget in one line. */
export const CallboardBadge = component('CallboardBadge', 'callboard-badge', { ...sharedProps, name: { type: text, required: true as const }, entity: text });

/** The documentation of an API. */
export const CallboardApiDocs = component('CallboardApiDocs', 'callboard-api-docs', { ...documentProps, renderer: text as unknown as PropType<'callboard' | 'swagger-ui' | 'redoc'> });

/** The documentation of an entity. */
export const CallboardDocs = component('CallboardDocs', 'callboard-docs', { ...documentProps, path: text });

const components = { CallboardConfig, CallboardWidget, CallboardAccessRequest, CallboardBadge, CallboardApiDocs, CallboardDocs };

/** app.use(callboard, { base, app, tokenProvider }): all components by their names, with the same settings. */
export const callboard: Plugin<[CallboardOptions?]> = {
  install(app: App, options: CallboardOptions = {}) {
    app.provide(optionsKey, options);
    for (const [name, made] of Object.entries(components)) app.component(name, made);
  },
};

declare module 'vue' {
  interface GlobalComponents {
    CallboardConfig: typeof CallboardConfig;
    CallboardWidget: typeof CallboardWidget;
    CallboardAccessRequest: typeof CallboardAccessRequest;
    CallboardBadge: typeof CallboardBadge;
    CallboardApiDocs: typeof CallboardApiDocs;
    CallboardDocs: typeof CallboardDocs;
  }
}
