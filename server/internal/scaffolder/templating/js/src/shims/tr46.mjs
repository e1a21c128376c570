// Stands in for npm tr46, whose tables would be half of the bundle. Names of hosts within ASCII, which are nearly all, come
// out the same; others are mapped by compatibility forms and lower case, which is what UTS #46 does for letters.
import punycode from 'punycode/punycode.es6.js';

const longestName = 253;

export function toASCII(domain) {
  if (domain.length > longestName) return null;
  try {
    return punycode.toASCII(domain.normalize('NFKC').toLowerCase());
  } catch {
    return null;
  }
}
