import '@callboard/widgets/register';
import { useEffect, useLayoutEffect, useRef } from 'react';
import { tokens, useSurroundings } from './surroundings.js';

interface Props {
  /** `callboard-widget`, `callboard-api-docs`, … */
  tag: string;
  /** The attributes of the element; those that are undefined are left out. */
  attributes: Record<string, string | number | undefined>;
}

type CustomElement = HTMLElement & { fetcher?: typeof fetch };

/**
 * One custom element of `@callboard/widgets`. It is made by hand, because React of versions before 19 connects an element
 * before it can have properties, and the element would ask the host without the app's credentials.
 */
export function CallboardElement({ tag, attributes }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const element = useRef<CustomElement>();
  const { base, fetcher, theme, lang, navigate } = useSurroundings();
  const wanted = Object.entries({ ...attributes, base, theme, lang }).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)] as const]));

  useLayoutEffect(() => {
    if (!base || !place.current) return undefined;
    const made: CustomElement = document.createElement(tag);
    made.fetcher = fetcher;
    for (const [name, value] of wanted) made.setAttribute(name, value);
    place.current.append(made);
    element.current = made;
    return () => made.remove();
    // Other attributes that change are set on the element that is there.
  }, [tag, base, fetcher]);

  useLayoutEffect(() => {
    for (const [name, value] of wanted) {
      if (element.current?.getAttribute(name) !== value) element.current?.setAttribute(name, value);
    }
    for (const name of Object.keys(attributes)) if (attributes[name] === undefined) element.current?.removeAttribute(name);
  });

  useEffect(() => {
    const host = place.current;
    const follow = (event: Event) => {
      if (navigate((event as CustomEvent<{ url: string; entityRef?: string }>).detail)) event.preventDefault();
    };
    host?.addEventListener('callboard-navigate', follow);
    return () => host?.removeEventListener('callboard-navigate', follow);
  });

  return <div ref={place} style={tokens} />;
}
