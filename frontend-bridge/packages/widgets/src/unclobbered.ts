// Reads and changes elements through their prototypes: a form answers for its own properties with its fields of those
// names, so that <input name="attributes"> in it would hide the form's attributes from whoever checks them.

const getter = <T>(of: object, name: string) => {
  const get = Object.getOwnPropertyDescriptor(of, name)!.get!;
  return (element: Element): T => get.call(element);
};

const proto = (globalThis.Element ?? class {}).prototype;
const inBrowser = 'getAttribute' in proto;
const none = () => undefined as never;

export const attributesOf = inBrowser ? getter<NamedNodeMap>(proto, 'attributes') : none;
export const nameOf = inBrowser ? getter<string>(proto, 'localName') : none;
export const spaceOf = inBrowser ? getter<string | null>(proto, 'namespaceURI') : none;
export const get = (element: Element, name: string): string | null => proto.getAttribute.call(element, name);
export const put = (element: Element, name: string, value: string): void => proto.setAttribute.call(element, name, value);
export const take = (element: Element, attribute: Attr): void => void proto.removeAttributeNode.call(element, attribute);
export const removeElement = (element: Element): void => proto.remove.call(element);
