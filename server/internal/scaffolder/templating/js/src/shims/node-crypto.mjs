// The part of node:crypto that nunjitsu asks for, behind the filter "random": an item for a demo, not a key.
export function randomInt(max) {
  return Math.floor(Math.random() * max);
}
