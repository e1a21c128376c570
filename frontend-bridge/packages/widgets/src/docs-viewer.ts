// Viewers from npm, for those who want them. They read documents of strangers with half a megabyte of code, so they run in
// a frame that has no origin, no network and no way to the page: the document is handed in.
import { trusted } from './fragment';
import { enhance, refusal, type DocsOptions } from './docs';
import type { Detach } from './modules';

interface Viewer {
  scripts: string[];
  styles: string[];
}

const viewers: Record<'swagger-ui' | 'redoc', Viewer> = {
  'swagger-ui': { scripts: ['swagger-ui/swagger-ui-bundle.js', 'swagger-ui/viewer.js'], styles: ['swagger-ui/swagger-ui.css'] },
  redoc: { scripts: ['redoc/redoc.standalone.js', 'redoc/viewer.js'], styles: [] },
};

const HEIGHT = 720;

export async function view(surface: Parameters<typeof enhance>[0], what: DocsOptions, renderer: keyof typeof viewers): Promise<Detach> {
  const viewer = viewers[renderer];
  const answer = await surface.session.send(what.start + '/document');
  if (!answer.ok) throw await refusal(answer);
  // The viewers know JSON descriptions; the host's own pages know all.
  if (!answer.headers.get('Content-Type')?.startsWith('application/json')) return enhance(surface, what);
  const text = await answer.text();
  const frame = document.createElement('iframe');
  frame.setAttribute('sandbox', 'allow-scripts');
  frame.title = surface.host.getAttribute('title') ?? `API reference (${renderer})`;
  frame.style.height = (Number(surface.host.getAttribute('height')) || HEIGHT) + 'px';
  frame.srcdoc = trusted(page(surface.session.access.root + '/embed/v1/viewers/', viewer, surface.language));
  let handed = false;
  const hear = (event: MessageEvent) => {
    if (handed || event.source !== frame.contentWindow || event.data?.t !== 'viewer') return;
    // The frame has no origin that could be named. The first who asks is our own page; a link in the document may lead the
    // frame elsewhere, and whoever is there asks in vain.
    handed = true;
    frame.contentWindow?.postMessage({ t: 'document', text }, '*');
    surface.host.dataset.status = 'ok';
    surface.tell('ready', { id: surface.host.getAttribute('entity') ?? '', status: 'ok', ms: 0 });
  };
  addEventListener('message', hear);
  surface.body.removeAttribute('aria-busy');
  surface.body.replaceChildren(frame);
  return () => {
    removeEventListener('message', hear);
    frame.remove();
  };
}

/** The page of a viewer. Its policy is its own: what is in it loads the viewer's files and nothing else. */
function page(base: string, viewer: Viewer, lang: string): string {
  const policy = `default-src 'none'; script-src ${base}; style-src ${base} 'unsafe-inline'; img-src data:; font-src data:; worker-src blob:`;
  const styles = viewer.styles.map(name => `<link rel="stylesheet" href="${base}${name}">`).join('');
  const scripts = viewer.scripts.map(name => `<script defer src="${base}${name}"></script>`).join('');
  return (
    `<!doctype html><html lang="${lang}"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}">` +
    `<meta name="referrer" content="no-referrer">${styles}</head><body><div id="viewer"></div>${scripts}</body></html>`
  );
}
