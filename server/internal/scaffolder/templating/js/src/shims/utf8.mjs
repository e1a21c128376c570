// TextEncoder, TextDecoder and Buffer.byteLength, for UTF-8 alone. Lone surrogates and wrong bytes become U+FFFD.
const replacement = 0xfffd;

function wellFormed(code) {
  return code >= 0xd800 && code <= 0xdfff ? replacement : code;
}

class TextEncoder {
  encode(text) {
    const bytes = [];
    for (const character of text) {
      const code = wellFormed(character.codePointAt(0));
      if (code < 0x80) bytes.push(code);
      else if (code < 0x800) bytes.push(0xc0 | (code >> 6), tail(code));
      else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), tail(code >> 6), tail(code));
      else bytes.push(0xf0 | (code >> 18), tail(code >> 12), tail(code >> 6), tail(code));
    }
    return Uint8Array.from(bytes);
  }
}

function tail(bits) {
  return 0x80 | (bits & 0x3f);
}

// How many bytes follow a first byte, and the range in which the second one must lie, by the Encoding Standard.
function lead(byte) {
  if (byte >= 0xc2 && byte <= 0xdf) return { more: 1, bits: byte & 0x1f, low: 0x80, high: 0xbf };
  if (byte >= 0xe0 && byte <= 0xef)
    return { more: 2, bits: byte & 0x0f, low: byte === 0xe0 ? 0xa0 : 0x80, high: byte === 0xed ? 0x9f : 0xbf };
  if (byte >= 0xf0 && byte <= 0xf4)
    return { more: 3, bits: byte & 0x07, low: byte === 0xf0 ? 0x90 : 0x80, high: byte === 0xf4 ? 0x8f : 0xbf };
  return undefined;
}

class TextDecoder {
  decode(bytes) {
    let text = '';
    for (let at = 0; at < bytes.length; ) {
      if (bytes[at] < 0x80) {
        text += String.fromCharCode(bytes[at++]);
        continue;
      }
      const { code, next } = decodeOne(bytes, at);
      text += String.fromCodePoint(code);
      at = next;
    }
    return text;
  }
}

function decodeOne(bytes, at) {
  const first = lead(bytes[at]);
  if (!first) return { code: replacement, next: at + 1 };
  let { bits, low, high } = first;
  let next = at + 1;
  for (let left = first.more; left > 0; left--, next++) {
    if (!(bytes[next] >= low && bytes[next] <= high)) return { code: replacement, next };
    bits = (bits << 6) | (bytes[next] & 0x3f);
    [low, high] = [0x80, 0xbf];
  }
  return { code: bits, next };
}

globalThis.TextEncoder = TextEncoder;
globalThis.TextDecoder = TextDecoder;
globalThis.Buffer = {
  byteLength(text) {
    let length = 0;
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      if (unit < 0x80) length += 1;
      else if (unit < 0x800) length += 2;
      else if (unit >= 0xd800 && unit <= 0xdbff && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00) {
        length += 4;
        at++;
      } else length += 3;
    }
    return length;
  },
};
