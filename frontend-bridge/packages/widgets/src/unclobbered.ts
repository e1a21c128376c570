// Reads and changes elements through their prototypes: a form answers for its own properties with its fields of those
// names, so that <input name="attributes"> in it would hide the form's attributes from whoever checks them.

const { prototype } = globalThis.Element ?? class {};

function read<T>(element: Element, property: string): T {
  return Object.getOwnPropertyDescriptor(prototype, property)!.get!.call(element);
}

export const attributesOf = (element: Element): NamedNodeMap => read(element, 'attributes');
export const nameOf = (element: Element): string => read(element, 'localName');
export const spaceOf = (element: Element): string | null => read(element, 'namespaceURI');
export const get = (element: Element, name: string): string | null => prototype.getAttribute.call(element, name);
export const put = (element: Element, name: string, value: string): void => prototype.setAttribute.call(element, name, value);
export const take = (element: Element, attribute: Attr): void => void prototype.removeAttributeNode.call(element, attribute);
export const removeElement = (element: Element): void => prototype.remove.call(element);
