// Style sheets of shadow roots. Constructed sheets are shared by all elements of a page, and are no inline style to a CSP.

const own = `
:host{display:block;position:relative;contain:layout style;color-scheme:inherit;min-width:0}
:host([hidden]){display:none}
:host([data-theme=light]){color-scheme:light}
:host([data-theme=dark]){color-scheme:dark}
:host([data-theme=auto]){color-scheme:light dark}
.cb-body{box-sizing:border-box;overflow-wrap:anywhere}
.cb-body.cb-scroll{overflow:auto}
.cb-body[tabindex]:focus-visible,.cb-body [tabindex]:focus-visible,.cb-local button:focus-visible{outline:2px solid var(--callboard-focus,light-dark(#0b62c4,#6cb0ff));outline-offset:2px}
.cb-skeleton{position:absolute;inset:0;border-radius:var(--callboard-radius,6px);background:light-dark(#8883,#8884);opacity:.6}
@media (prefers-reduced-motion:no-preference){.cb-skeleton{animation:cb-wait 1.6s ease-in-out infinite alternate}}
@keyframes cb-wait{to{opacity:.25}}
.cb-local{font:var(--callboard-size,13px)/1.45 var(--callboard-font,system-ui,sans-serif);color:var(--callboard-text,light-dark(#1c2128,#e6e9ee))}
.cb-local button{font:inherit;min-height:28px;padding:2px 12px;color:inherit;background:none;border:1px solid currentColor;border-radius:var(--callboard-radius,6px);cursor:pointer}
.cb-hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
iframe{display:block;width:100%;border:0}
@media print{.cb-body{height:auto!important;max-height:none!important;min-height:0!important;overflow:visible!important}.cb-skeleton{display:none}}
`;

const constructable = () => 'adoptedStyleSheets' in Document.prototype;
const PATIENCE = 3000;
let ownSheet: CSSStyleSheet | undefined;
const loaded = new Map<string, Promise<CSSStyleSheet>>();

/** Gives a shadow root the elements' own rules. */
export function dress(root: ShadowRoot, extra = '') {
  if (constructable()) {
    ownSheet ??= sheetOf(own);
    root.adoptedStyleSheets = extra ? [ownSheet, sheetOf(extra)] : [ownSheet];
    return;
  }
  const style = document.createElement('style');
  style.textContent = own + extra;
  root.append(style);
}

/** Gives a shadow root a style sheet of the host, ahead of its other rules. Resolves when it is there, or cannot be had. */
export async function dressFrom(root: ShadowRoot, url: string): Promise<void> {
  if (!constructable()) return link(root, url);
  try {
    let sheet = loaded.get(url);
    if (!sheet) loaded.set(url, (sheet = load(url)));
    const got = await sheet;
    if (!root.adoptedStyleSheets.includes(got)) root.adoptedStyleSheets = [got, ...root.adoptedStyleSheets];
  } catch {
    loaded.delete(url);
    return link(root, url);
  }
}

async function load(url: string): Promise<CSSStyleSheet> {
  const answer = await fetch(url, { credentials: 'omit' });
  if (!answer.ok) throw new Error(`${url} answers ${answer.status}`);
  return sheetOf(await answer.text());
}

function sheetOf(text: string): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  return sheet;
}

function link(root: ShadowRoot, url: string): Promise<void> {
  if ([...root.querySelectorAll('link')].some(l => l.href === url)) return Promise.resolve();
  const element = document.createElement('link');
  element.rel = 'stylesheet';
  element.href = url;
  return new Promise(resolve => {
    element.onload = element.onerror = () => resolve();
    setTimeout(resolve, PATIENCE); // content without its style is better than none
    root.prepend(element);
  });
}
