/** Whether a tag of a template is one of Callboard's elements, which Vue's compiler is to leave alone. */
export const isCustomElement = (tag: string): boolean => tag.startsWith('callboard-');
