// What a page holds that nobody should have let in, whether it has run or waits for somebody to click. It runs in the page,
// and looks into shadow roots and templates. `own` are the origins that a page may load from.
(document, own) => {
  const found = [];
  const forbidden = new Set(['object', 'embed', 'base', 'applet', 'frameset', 'frame', 'math', 'foreignobject', 'animate', 'set', 'use', 'marquee', 'video', 'audio', 'source', 'portal']);
  const loading = new Set(['src', 'poster', 'background', 'data', 'action', 'formaction', 'srcset']);
  const addresses = new Set(['href', 'xlink:href', 'cite', 'ping', 'longdesc', ...loading]);
  const say = (element, what) => found.push(`${element.localName} ${what}`.slice(0, 160));
  const foreign = value => {
    try {
      const { protocol, origin } = new URL(value, own[0]);
      return /^https?:$/.test(protocol) && !own.includes(origin);
    } catch {
      return false;
    }
  };
  const scheme = value => /^([a-z][a-z0-9+.-]*):/.exec(value.replace(/[\0-\x20]/g, '').toLowerCase())?.[1];
  const allowed = (element, name, value) => {
    const of = scheme(value);
    return of === undefined || of === 'http' || of === 'https' || of === 'mailto' || (of === 'data' && (element.localName === 'img' || element.localName === 'link') && /^data:(image\/(png|svg\+xml)|,)/.test(value));
  };
  const attribute = (element, { name, value }) => {
    if (/^on/i.test(name)) say(element, `has ${name}`);
    if (name === 'srcdoc') say(element, 'has srcdoc');
    if (name === 'style' && /url\(|fixed|expression/i.test(value)) say(element, `has the style ${value}`);
    if (!addresses.has(name)) return;
    if (!allowed(element, name, value)) say(element, `has ${name}=${value}`);
    if (loading.has(name) && foreign(value)) say(element, `loads ${value}`);
  };
  const walk = root => {
    for (const element of root.querySelectorAll('*')) {
      const name = element.localName;
      if (forbidden.has(name.toLowerCase())) say(element, 'is there');
      if (name === 'script' && !element.nonce && (!element.getAttribute('src') || foreign(element.getAttribute('src')))) say(element, 'is there');
      if (name === 'iframe' && foreign(element.getAttribute('src') ?? 'about:blank')) say(element, 'is there');
      if (name === 'link' && foreign(element.getAttribute('href') ?? '')) say(element, `loads ${element.getAttribute('href')}`);
      if (name === 'meta' && /refresh/i.test(element.httpEquiv)) say(element, 'refreshes');
      if (name === 'style' && /x\.test|canary/.test(element.textContent)) say(element, 'is there');
      // The attributes of an element are written by the page that has it; what it shows is in its shadow root.
      if (!name.startsWith('callboard-')) for (const one of element.attributes) attribute(element, one);
      if (element.shadowRoot) walk(element.shadowRoot);
      if (name === 'template') walk(element.content);
    }
  };
  walk(document);
  if (document.title === '' && document.querySelector('svg > title script')) found.push('a script in a title');
  return found;
}
