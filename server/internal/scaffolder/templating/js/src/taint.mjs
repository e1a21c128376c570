// Which texts of a rendered value owe something to the secrets: those that are others, or are not there, in the same
// value rendered without them.

/** All texts within value, keys among them. */
export function texts(value) {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(texts);
  if (isRecord(value)) return Object.entries(value).flatMap(([key, item]) => [key, ...texts(item)]);
  return [];
}

/** The texts within value that its counterpart does not have at their place. Entries of records meet by position. */
export function tainted(value, counterpart) {
  if (typeof value === 'string') return value === counterpart ? [] : [value];
  if (Array.isArray(value)) {
    const other = Array.isArray(counterpart) ? counterpart : [];
    return value.flatMap((item, index) => tainted(item, other[index]));
  }
  if (!isRecord(value)) return [];
  const others = counterpart && typeof counterpart === 'object' ? Object.entries(counterpart) : [];
  return Object.entries(value).flatMap(([key, item], index) => {
    if (!others[index]) return [key, ...texts(item)];
    const [otherKey, otherItem] = others[index];
    return [...(key === otherKey ? [] : [key]), ...tainted(item, otherItem)];
  });
}

function isRecord(value) {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
