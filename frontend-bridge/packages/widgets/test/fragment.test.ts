import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { nodesOf } from '../src/fragment';
import { HOST } from './page';

/** The host's own corpus of texts that run where something forgets to escape them. */
function corpus(): string[] {
  const source = readFileSync(resolve(import.meta.dirname, '../../../../server/internal/xsstest/xsstest.go'), 'utf8');
  const strings = (block: string) => {
    const found: string[] = [];
    let end = 0;
    for (const m of block.replace(/^\s*\/\/.*$/gm, '').matchAll(/`[^`]*`|"(?:[^"\\]|\\.)*"/g)) {
      const between = block.replace(/^\s*\/\/.*$/gm, '').slice(end, m.index);
      end = m.index + m[0].length;
      const text = m[0][0] === '`' ? m[0].slice(1, -1) : JSON.parse(m[0].replace(/\\x(..)/g, '\\u00$1'));
      if (between.includes('+') && !between.includes(',')) found.push(found.pop() + text);
      else found.push(text);
    }
    return found;
  };
  const list = (name: string) => strings(new RegExp(`var ${name} = \\[\\]string\\{([\\s\\S]*?)\\n?\\}\\n`).exec(source)![1]!);
  const outs = list('Outs');
  return outs.flatMap(out => list('Payloads').map(payload => out + payload)); // the first way out is none
}

const dangerous = /^(script|iframe|frame|frameset|object|embed|applet|style|link|meta|base|math|template|noscript|foreignobject|animate.*|set|image|video|audio|source|portal|feimage|canvas|slot|dialog|marquee)$/i;

/** What of a fragment could run, load or cover something, looked at without the list that cleaned it. */
function harm(nodes: DocumentFragment): string[] {
  const found: string[] = [];
  const walker = document.createTreeWalker(nodes, NodeFilter.SHOW_ALL);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.nodeType === Node.COMMENT_NODE || node.nodeType === Node.PROCESSING_INSTRUCTION_NODE) found.push('a comment');
    if (!(node instanceof Element)) continue;
    const name = Object.getOwnPropertyDescriptor(Element.prototype, 'localName')!.get!.call(node) as string;
    if (dangerous.test(name) || name.includes('-')) found.push(name);
    const attributes = Object.getOwnPropertyDescriptor(Element.prototype, 'attributes')!.get!.call(node) as NamedNodeMap;
    for (const { name: attribute, value } of attributes) {
      if (/^(on.*|style|srcdoc|srcset|formaction|ping|background|is|xlink:.*|nonce|integrity)$/i.test(attribute)) found.push(`${name} ${attribute}`);
      if (/^(href|src|action|cite)$/.test(attribute) && !/^(https?:|mailto:|ssh:|#|data:image\/(png|gif|jpeg|webp);base64,)/.test(value)) found.push(`${name} ${attribute}=${value}`);
      if (attribute === 'src' && !value.startsWith(HOST) && !value.startsWith('data:image/')) found.push(`loads ${value}`);
      if (/url\s*\(/i.test(value) && !/^url\(#/.test(value) && !/^(data-|aria-|title|alt|value|placeholder|href|action)/.test(attribute)) found.push(`${name} ${attribute}=${value}`);
    }
  }
  return found;
}

const wraps: Record<string, (text: string) => string> = {
  'as it is': text => text,
  'in a figure': text => `<figure class="cb-widget"><p>${text}</p></figure>`,
  'in a picture': text => `<svg xmlns="http://www.w3.org/2000/svg"><text>${text}</text></svg>`,
  'in a title of a picture': text => `<svg><title>${text}</title><desc>${text}</desc></svg>`,
  'as an attribute': text => `<a href="${text}" title="${text}">x</a>`,
  'as an attribute in quotes of the other kind': text => `<a href='${text}' data-x='${text}'>x</a>`,
  'in a table': text => `<table><caption>${text}</caption><tr><td>${text}</table>`,
  'in a form': text => `<form action="${HOST}/x"><input value="${text}"><textarea>${text}</textarea><select><option>${text}</select></form>`,
};

/** Where every way out of the text around is tried; elsewhere the texts as they are have to do. */
const whole = new Set(['as it is', 'as an attribute', 'in a title of a picture']);

describe('fragments', () => {
  const all = corpus();

  test('the corpus is the whole one', () => expect(all.length).toBeGreaterThan(300));

  test.each(Object.keys(wraps))('keep nothing that runs, loads or covers, %s', how => {
    const texts = whole.has(how) ? all : all.slice(0, all.length / 5);
    const found = texts.map(text => [text, harm(nodesOf(wraps[how]!(text), HOST))] as const).filter(([, problems]) => problems.length > 0);
    expect(found).toEqual([]);
  });

  test.each([
    ['a form that hides its attributes', '<form onclick=canary()><input name=attributes></form>'],
    ['a form that hides how it is changed', '<form onclick=canary() action="javascript:canary()"><input name=removeAttributeNode><input name=getAttribute><input name=remove></form>'],
    ['a form that hides what it is', '<form onclick=canary()><input name=localName value=p><input name=namespaceURI><input name=nodeType></form>'],
    ['a form that hides its parent', '<form><input name=parentNode><input name=nextSibling><input name=firstChild><p onclick=canary()>x</form>'],
    ['names of the document', '<img name=body><form name=body></form><img name=createElement><p onclick=canary()>x'],
    ['an element of somebody’s own', '<x-y onclick=canary()></x-y><p is=x-y>x</p>'],
    ['markup that the parser moves', '<table><a onclick=canary()>x<table><td></a><style><img title="</style><img src=x onerror=canary()>">'],
    ['namespaces that change', '<svg><foreignObject><p onclick=canary()>x</p></foreignObject><desc><p onclick=canary()>y</desc></svg><math><mi><img onerror=canary()></math>'],
    ['a link in a picture', '<svg><a xlink:href="javascript:canary()"><text>x</text></a><a href="javascript:canary()"><text>y</text></a></svg>'],
    ['a picture that takes from elsewhere', '<svg><use href="https://x.test/a.svg#b"/><use href="data:image/svg+xml,x#y"/><image href="https://x.test/"/><rect fill="url(https://x.test/#a)"/><rect clip-path="url( &quot;//x.test&quot;)"/></svg>'],
    ['an animation of a link', '<svg><a><animate attributeName=href values=javascript:canary() /><set attributeName=href to=javascript:canary() /></a></svg>'],
    ['a picture that is not of the host', '<img src="https://x.test/a.png"><img src="//x.test/a.png"><img src="\\\\x.test/a.png"><img src="https://user@host.example/a.png">'],
    ['a form that is sent elsewhere', '<form action="https://x.test/"><button formaction="https://x.test/">x</button></form>'],
    ['a field that takes files or pictures', '<input type=file><input type=image src=https://x.test/>'],
    ['links with blanks and letters that browsers leave out', '<a href="java\tscript:canary()">x</a><a href=" \u0001javascript:canary()">x</a><a href="JAVASCRIPT&colon;canary()">x</a>'],
    ['comments and instructions', '<!-- --><?php x ?><![CDATA[x]]>'],
  ])('take no harm from %s', (_, text) => {
    const nodes = nodesOf(text, HOST);
    expect(harm(nodes)).toEqual([]);
    for (const input of nodes.querySelectorAll('input')) expect(['file', 'image']).not.toContain(input.type);
  });

  test('keep what the host draws', () => {
    const picture =
      '<figure class="cb-widget" data-widget="cost/summary" data-status="ok" lang="en" dir="ltr"><figcaption><h3>Cost</h3></figcaption>' +
      '<svg xmlns="http://www.w3.org/2000/svg" class="cb-widget cb-chart" viewBox="0 0 600 240" width="600" height="240" role="img" direction="ltr" font-size="11" data-plot="30 8 588 218" data-xs="30 60">' +
      '<title>Cost</title><desc>Rising.</desc><g class="cb-axis"><line class="cb-grid" x1="30" x2="588" y1="8" y2="8"></line><text x="26" y="12" text-anchor="end">5</text></g>' +
      '<g data-series="EUR"><path class="cb-line cb-c1" d="M30 218L60 8" stroke-width="1.8" stroke-dasharray="6 3"></path></g><a href="https://host.example/catalog/default/component/pay" rel="noopener noreferrer"><text>pay</text></a></svg>' +
      '<details><summary>Table</summary><div class="cb-scroll" tabindex="0" role="group" aria-label="Table"><table><thead><tr><th scope="col">Day</th></tr></thead><tbody><tr><th scope="row"><time datetime="2026-11-01T00:00:00Z">1 Nov</time></th></tr></tbody></table></div></details></figure>';
    const holder = document.createElement('div');
    holder.append(nodesOf(picture, HOST));
    expect(holder.innerHTML).toBe(picture);
  });

  test.each([
    ['/catalog/default/component/pay', HOST + '/prefix/catalog/default/component/pay'],
    ['../x', HOST + '/x'],
    ['//elsewhere.example/x', 'https://elsewhere.example/x'],
    ['/\\elsewhere.example/x', 'https://elsewhere.example/x'],
    ['https://other.example/', 'https://other.example/'],
    ['#cb-md-1', '#cb-md-1'],
    ['mailto:a@b.example', 'mailto:a@b.example'],
  ])('a link to %s leads to %s, wherever it is shown', (href, to) => {
    const link = nodesOf(`<a href="${href}" target="_top">x</a>`, HOST + '/prefix').querySelector('a')!;
    expect(link.getAttribute('href')).toBe(to);
    expect(link.getAttribute('target')).toBeNull();
    expect(link.rel).toBe('noopener noreferrer');
  });

  test('pass through the Trusted Types policy of the page', async () => {
    const made: string[] = [];
    vi.resetModules();
    vi.stubGlobal('trustedTypes', {
      createPolicy: (name: string, rules: { createHTML(text: string): string }) => (made.push(name), rules),
    });
    const fresh = await import('../src/fragment');
    expect(fresh.nodesOf('<b>x</b>', HOST).textContent).toBe('x');
    fresh.nodesOf('<b>x</b>', HOST);
    expect(made).toEqual(['callboard']);
  });
});
