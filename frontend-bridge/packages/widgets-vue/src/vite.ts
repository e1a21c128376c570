// For vite.config.ts, where the elements are written as tags in templates: vue({ template: callboardTemplate }).
import { isCustomElement } from './tags.js';

export { isCustomElement };

export const callboardTemplate = { compilerOptions: { isCustomElement } };
