// What is not needed for a first look is loaded when it is. A bundler makes chunks of it; embed.js loads the host's files.
import type { Session } from './session';
import type { core } from './strings';
import type { CallboardElement } from './element';
import type { FrameHost } from './framed';

/** What the core can say. */
export type CoreWord = keyof (typeof core)['en'];

/** What the core gives to the parts that are loaded later, which therefore bring none of it themselves. */
export interface Surface {
  readonly host: HTMLElement;
  readonly root: ShadowRoot;
  readonly body: HTMLElement;
  readonly session: Session;
  readonly language: string;
  nodes(html: string): DocumentFragment;
  say(word: CoreWord): string;
  /** Sends an event from the element; false when somebody prevented what follows. */
  tell(name: string, detail: unknown): boolean;
  /** Tells of a failure; status is that of the host's answer, 0 = there was none. */
  fail(code: string, problem: unknown, status?: number): void;
}

/** What was added to a surface, to be taken away again. */
export type Detach = () => void;

export interface ChartModule {
  enhance(svg: SVGSVGElement, surface: Surface): Detach;
}

export interface FormModule {
  enhance(form: HTMLFormElement, surface: Surface): Detach;
}

export interface DocsModule {
  /** Shows the document that a surface's attributes name, until it is detached. */
  open(surface: Surface & { styleFrom(path: string): Promise<void> }): Promise<Detach>;
}

export interface FramedModule {
  frame(element: CallboardElement): FrameHost;
}

export interface ContrastModule {
  check(element: Element, body: HTMLElement): void;
}

export interface DownloadModule {
  download(path: string, name: string | null, surface: Surface): Promise<void>;
}

export interface Modules {
  chart(): Promise<ChartModule>;
  form(): Promise<FormModule>;
  docs(): Promise<DocsModule>;
  framed(): Promise<FramedModule>;
  contrast(): Promise<ContrastModule>;
  download(): Promise<DownloadModule>;
}

/** The parts as the files that the host serves of them. */
export const fromFiles = (file: <M>(name: string) => Promise<M>): Modules => ({
  chart: () => file('chart.js'),
  form: () => file('form.js'),
  docs: () => file('docs.js'),
  framed: () => file('framed.js'),
  contrast: () => file('contrast.js'),
  download: () => file('download.js'),
});

let modules: Modules | undefined;

export function useModules(given: Modules) {
  modules ??= given;
}

/** Loads a part. Without it, an element stays what the host wrote. */
export function load<K extends keyof Modules>(name: K): ReturnType<Modules[K]> {
  if (!modules) throw new Error('@callboard/widgets: nothing is registered');
  return modules[name]() as ReturnType<Modules[K]>;
}
