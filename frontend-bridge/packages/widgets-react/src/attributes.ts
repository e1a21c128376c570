/** The attributes of an element, by their own names: React knows those of custom elements by no other. */
export function attributesOf(props: object): Record<string, unknown> {
  const attributes: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false || typeof value === 'function' || name === 'children') continue;
    if (name === 'className') attributes.class = value;
    else if (name === 'args') attributes.args = JSON.stringify(value);
    else if (name === 'style') attributes.style = value;
    else attributes[name.replace(/[A-Z]/g, letter => '-' + letter.toLowerCase())] = value === true ? '' : String(value);
  }
  return attributes;
}
