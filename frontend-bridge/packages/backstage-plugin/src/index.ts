export { CallboardClient, callboardApiRef, type CallboardApi, type WidgetInfo } from './api.js';
export { callboardTranslationRef } from './translation.js';
export { callboardPlugin as default } from './plugin.js';
