// What the page's policy would stop is not tried in the first place, since each try would be reported. The viewers read the HTML
// in descriptions before they look whether it is harmless, and that alone is a try. It is for quiet; the wall is the policy.
const callboardQuiet = (() => {
  const nothing = 'data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7';
  const held = address => (/^data:/i.test(address) ? address : nothing);
  const { setAttribute } = Element.prototype;
  Element.prototype.setAttribute = function (name, value) {
    setAttribute.call(this, name, this.localName === 'img' && name === 'src' ? held(value) : value);
  };
  const src = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, 'src');
  Object.defineProperty(HTMLImageElement.prototype, 'src', {
    ...src,
    set(value) {
      src.set.call(this, held(value));
    },
  });

  // Plain markup stays, without attributes but addresses of links; what else looks like a tag is made text by a space of no width.
  const plain = /^<(\/?(?:a|b|blockquote|br|code|dd|div|dl|dt|em|h[1-6]|hr|i|li|ol|p|pre|span|strong|sub|sup|table|tbody|td|th|thead|tr|ul)\b)[^>]*>$/i;
  const tag = text => {
    const [, name] = plain.exec(text) ?? [];
    const [href] = /\shref=(?:"https?:[^"<>]*"|'https?:[^'<>]*')/i.exec(text) ?? [''];
    return name ? `<${name}${href}>` : text.replaceAll('<', '<\u200b');
  };
  const tame = text => text.replace(/<[^>]*>?/g, tag).replace(/!\[/g, '[');

  // What viewers read as Markdown. Examples, names and patterns are shown as they are, and stay so.
  const prose = 'description';

  /** The value with its prose tamed, and without what is to be fetched. */
  return function quiet(value) {
    if (Array.isArray(value)) return value.map(quiet);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, one]) => {
        if (key === 'externalValue') return [];
        return [[key, key === prose && typeof one === 'string' ? tame(one) : quiet(one)]];
      }),
    );
  };
})();
