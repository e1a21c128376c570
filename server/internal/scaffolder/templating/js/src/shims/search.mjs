// QuickJS looks for a text within another by comparing at every place, in native code that no deadline interrupts: with
// two long texts of one letter that takes hours. Where the product of the lengths is large, these do it in linear time, in
// code that can be interrupted; nunjitsu calls them on texts of templates.
const tooMuch = 1 << 22;

const native = {};
for (const name of ['indexOf', 'lastIndexOf', 'includes', 'split', 'replace']) native[name] = String.prototype[name];

function isLarge(text, needle) {
  return typeof needle === 'string' && text.length * needle.length > tooMuch;
}

// For each place of needle, the length of the longest proper border that ends there (Knuth, Morris and Pratt).
function borders(needle) {
  const border = new Int32Array(needle.length);
  for (let at = 1, length = 0; at < needle.length; at++) {
    while (length > 0 && needle.charCodeAt(at) !== needle.charCodeAt(length)) length = border[length - 1];
    if (needle.charCodeAt(at) === needle.charCodeAt(length)) length++;
    border[at] = length;
  }
  return border;
}

function* occurrences(text, needle, from) {
  const border = borders(needle);
  for (let at = from, length = 0; at < text.length; at++) {
    while (length > 0 && text.charCodeAt(at) !== needle.charCodeAt(length)) length = border[length - 1];
    if (text.charCodeAt(at) === needle.charCodeAt(length)) length++;
    if (length === needle.length) {
      yield at - length + 1;
      length = border[length - 1];
    }
  }
}

function first(text, needle, from) {
  for (const at of occurrences(text, needle, from)) return at;
  return -1;
}

function start(from) {
  return Math.max(0, Math.trunc(Number(from)) || 0);
}

// nunjitsu looks from the end of each tag for the next sign of each kind, to the end of the text if there is none. What was
// found last is remembered, which makes that linear.
const signs = new Map(['${{', '{{', '{%', '{#', '#}'].map((sign) => [sign, { text: '', from: 0, at: -1 }]));
const longEnough = 256;

function nextSign(text, sign, from) {
  const last = signs.get(sign);
  if (last.text !== text || from < last.from || (last.at !== -1 && from > last.at)) {
    Object.assign(last, { text, from, at: native.indexOf.call(text, sign, from) });
  }
  return last.at;
}

const searches = {
  indexOf(needle, from) {
    if (this.length > longEnough && signs.has(needle)) return nextSign(String(this), needle, start(from));
    return isLarge(this, needle) ? first(String(this), needle, start(from)) : native.indexOf.call(this, needle, from);
  },
  includes(needle, from) {
    return isLarge(this, needle) ? first(String(this), needle, start(from)) !== -1 : native.includes.call(this, needle, from);
  },
  lastIndexOf(needle, from) {
    if (!isLarge(this, needle)) return native.lastIndexOf.call(this, needle, from);
    const limit = from === undefined || Number.isNaN(Number(from)) ? Infinity : start(from);
    let last = -1;
    for (const at of occurrences(String(this), needle, 0)) {
      if (at > limit) break;
      last = at;
    }
    return last;
  },
  split(separator, limit) {
    if (!isLarge(this, separator)) return native.split.call(this, separator, limit);
    const text = String(this);
    const most = limit === undefined ? Infinity : limit;
    const parts = [];
    let from = 0;
    for (const at of occurrences(text, separator, 0)) {
      if (at < from) continue; // overlaps the one before
      parts.push(text.slice(from, at));
      from = at + separator.length;
    }
    parts.push(text.slice(from));
    return parts.length > most ? parts.slice(0, most) : parts;
  },
  replace(pattern, replacement) {
    if (!isLarge(this, pattern) || typeof replacement !== 'string') return native.replace.call(this, pattern, replacement);
    const text = String(this);
    const at = first(text, pattern, 0);
    if (at === -1) return text;
    const before = text.slice(0, at);
    const after = text.slice(at + pattern.length);
    const meaning = { $: '$', '&': pattern, '`': before, "'": after };
    return before + native.replace.call(replacement, /\$([$&`'])/g, (_, sign) => meaning[sign]) + after;
  },
};

function define(prototype, methods) {
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(prototype, name, { value, writable: true, configurable: true });
  }
}

define(String.prototype, searches);

// The same for arrays of long texts: one comparison can be interrupted after the other.
function firstItem(items, item, from, same) {
  const begin = from < 0 ? Math.max(0, items.length + from) : from;
  for (let at = begin; at < items.length; at++) if (same(items[at], item)) return at;
  return -1;
}

const nativeArray = {
  indexOf: Array.prototype.indexOf,
  includes: Array.prototype.includes,
  lastIndexOf: Array.prototype.lastIndexOf,
};

function equal(left, right) {
  return left === right;
}

define(Array.prototype, {
  indexOf(item, from) {
    return isLarge(this, item) ? firstItem(this, item, Math.trunc(from) || 0, equal) : nativeArray.indexOf.call(this, item, from);
  },
  includes(item, from) {
    return isLarge(this, item)
      ? firstItem(this, item, Math.trunc(from) || 0, equal) !== -1
      : nativeArray.includes.call(this, item, from);
  },
  lastIndexOf(item, ...from) {
    if (!isLarge(this, item)) return nativeArray.lastIndexOf.call(this, item, ...from);
    const given = from.length === 0 ? this.length - 1 : Math.trunc(from[0]) || 0;
    let at = given < 0 ? this.length + given : Math.min(given, this.length - 1);
    while (at >= 0 && this[at] !== item) at--;
    return at;
  },
});
