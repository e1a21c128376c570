/** Hands properties that were set before an element was defined to its setters. */
export function upgrade(element: object, ...names: string[]) {
  const self = element as Record<string, unknown>;
  for (const name of names) {
    if (!Object.hasOwn(self, name)) continue;
    const value = self[name];
    delete self[name];
    self[name] = value;
  }
}
