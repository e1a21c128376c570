// The elements of Callboard as components of React 17, 18 and 19.
//
// On a server a component is the element with its children, which stay until the browser shows the widget. In a browser,
// attributes are React's to set; what attributes cannot hold is set by a layout effect, before the element asks its host.
import '@callboard/widgets/register';
import type * as W from '@callboard/widgets';
import { tagOf, type Name } from '@callboard/widgets';
import {
  createElement, forwardRef, useEffect, useImperativeHandle, useLayoutEffect, useRef, useState,
  type CSSProperties, type ForwardRefExoticComponent, type ReactNode, type RefAttributes,
} from 'react';
import { attributesOf } from './attributes.js';

export type { ErrorDetail, Fetcher, Navigation, RangeDetail, ReadyDetail, Status, SubmitDetail, Theme, TokenAnswer, TokenProvider } from '@callboard/widgets';

export interface SharedProps {
  id?: string;
  className?: string;
  style?: CSSProperties;
  /** What is shown without JavaScript, and where a server renders the page. */
  children?: ReactNode;
  /** The address of the host; that of the <CallboardConfig> unless set. */
  base?: string;
  theme?: W.Theme;
  lang?: string;
  /**
   * The address of the page's own backend that answers tokens, or a function that gets them. Widgets with the same function
   * share its tokens and their requests: give it to <CallboardConfig>, or make it outside of the component.
   */
  tokenProvider?: string | W.TokenProvider;
  /** What answers requests instead of fetch. As for tokenProvider, one for all. */
  fetcher?: W.Fetcher;
}

export interface ConfigProps extends SharedProps {
  /** The id by which the host knows the page; frames need it. */
  app?: string;
}

/** What happens in an element. Handlers may be other functions at each rendering. */
export interface Handlers {
  onReady?(detail: W.ReadyDetail, event: W.CallboardEvents['callboard-ready']): void;
  onError?(detail: W.ErrorDetail, event: W.CallboardEvents['callboard-error']): void;
  /** A link was clicked; event.preventDefault() leaves it to the page, for its router. */
  onNavigate?(detail: W.Navigation, event: W.CallboardEvents['callboard-navigate']): void;
  onSubmit?(detail: W.SubmitDetail, event: W.CallboardEvents['callboard-submit']): void;
  /** A range was chosen in a chart; event.preventDefault() keeps the chart as it is. */
  onRange?(detail: W.RangeDetail, event: W.CallboardEvents['callboard-range']): void;
}

export interface WidgetProps extends SharedProps, Handlers {
  /** plugin/widget */
  name: string;
  /** kind:namespace/name */
  entity?: string;
  /** Such as 24h, 7d, 30d. */
  range?: string;
  from?: string;
  to?: string;
  /** Arguments of the widget. */
  args?: Record<string, unknown>;
  /** frame keeps what is shown apart from the page. */
  mode?: 'inline' | 'frame';
  app?: string;
  /** Pixels to keep; without it the height is that of the content. */
  height?: number;
  headingLevel?: 2 | 3 | 4 | 5 | 6;
  maxPoints?: number;
}

export interface AccessRequestProps extends Omit<WidgetProps, 'name'> {
  /** The entity that access is asked to. */
  api: string;
  /** Another form than that of the gateway. */
  name?: string;
}

export interface BadgeProps extends SharedProps, Handlers {
  name: string;
  entity?: string;
}

export interface ApiDocsProps extends SharedProps, Handlers {
  entity: string;
  renderer?: 'callboard' | 'swagger-ui' | 'redoc';
  headingLevel?: 2 | 3 | 4 | 5 | 6;
  /** Makes the fragment of the page's address follow what is shown. */
  linked?: boolean;
}

export interface DocsProps extends SharedProps, Handlers {
  entity: string;
  path?: string;
  headingLevel?: 2 | 3 | 4 | 5 | 6;
  linked?: boolean;
}

type Component<P, N extends Name> = ForwardRefExoticComponent<P & RefAttributes<HTMLElementTagNameMap[N]>>;

const events = { onReady: 'callboard-ready', onError: 'callboard-error', onNavigate: 'callboard-navigate', onSubmit: 'callboard-submit', onRange: 'callboard-range' } as const;

type Bridged = HTMLElement & { fetcher?: W.Fetcher | undefined; tokenProvider?: string | W.TokenProvider | undefined };

/** Servers have no layout, and older versions of React warn of an effect that waits for one. */
const useBrowserEffect = typeof document === 'undefined' ? useEffect : useLayoutEffect;

function component<P extends SharedProps & Handlers, N extends Name>(displayName: string, name: N): Component<P, N> {
  const Element = forwardRef<Bridged, P>((props, ref) => {
    const element = useRef<Bridged>(null);
    const { fetcher, tokenProvider } = props;
    useBrowserEffect(() => {
      const node = element.current!;
      if (node.fetcher !== fetcher) node.fetcher = fetcher;
      const called = typeof tokenProvider === 'function' ? tokenProvider : undefined;
      if (node.tokenProvider !== called) node.tokenProvider = called;
    }, [fetcher, tokenProvider]);
    useHandlers(element, props);
    useImperativeHandle(ref, () => element.current!, []);
    return createElement(tagOf(name), { ...attributesOf(props), ref: element }, props.children);
  });
  Element.displayName = displayName;
  return Element as unknown as Component<P, N>;
}

/** Listens once, and calls the handlers of the latest rendering. */
function useHandlers(element: { current: HTMLElement | null }, handlers: Handlers) {
  const latest = useRef(handlers);
  useBrowserEffect(() => {
    latest.current = handlers;
  });
  useBrowserEffect(() => {
    const node = element.current!;
    const leave = Object.entries(events).map(([handler, event]) => {
      const told = (happened: Event) => {
        const handle = latest.current[handler as keyof Handlers] as ((detail: unknown, event: Event) => void) | undefined;
        handle?.((happened as CustomEvent).detail, happened);
      };
      node.addEventListener(event, told);
      return () => node.removeEventListener(event, told);
    });
    return () => leave.forEach(remove => remove());
  }, []);
}

/** The same function at each rendering, which calls the latest one. */
function useSame<F extends (...args: never[]) => unknown>(given: F | undefined): F | undefined;
function useSame<F extends (...args: never[]) => unknown>(given: F | string | undefined): F | string | undefined;
function useSame<F extends (...args: never[]) => unknown>(given: F | string | undefined) {
  const latest = useRef(given);
  useBrowserEffect(() => {
    latest.current = given;
  });
  const [same] = useState(() => ((...args: never[]) => (latest.current as F)(...args)) as F);
  return typeof given === 'function' ? same : given;
}

const Config = component<ConfigProps, 'callboard-config'>('CallboardConfigElement', 'callboard-config');

/** What all elements of a page, or those inside of it, have in common. Its functions may be made while rendering. */
export const CallboardConfig: Component<ConfigProps, 'callboard-config'> = forwardRef((props: ConfigProps, ref) => {
  const fetcher = useSame(props.fetcher);
  const tokenProvider = useSame(props.tokenProvider);
  return createElement(Config, { ...props, fetcher, tokenProvider, ref } as ConfigProps & RefAttributes<W.CallboardConfig>);
});
CallboardConfig.displayName = 'CallboardConfig';

/** One widget of the host. */
export const CallboardWidget = component<WidgetProps, 'callboard-widget'>('CallboardWidget', 'callboard-widget');

/** The form with which somebody asks for access to an API. */
export const CallboardAccessRequest = component<AccessRequestProps, 'callboard-access-request'>('CallboardAccessRequest', 'callboard-access-request');

/** The last value of a widget in one line. */
export const CallboardBadge = component<BadgeProps, 'callboard-badge'>('CallboardBadge', 'callboard-badge');

/** The documentation of an API. */
export const CallboardApiDocs = component<ApiDocsProps, 'callboard-api-docs'>('CallboardApiDocs', 'callboard-api-docs');

/** The documentation of an entity. */
export const CallboardDocs = component<DocsProps, 'callboard-docs'>('CallboardDocs', 'callboard-docs');
