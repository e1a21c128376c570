import { type Entity } from '@backstage/catalog-model';
import { type ApiHolder } from '@backstage/core-plugin-api';
export { CallboardClient, callboardApiRef, type CallboardApi, type WidgetInfo } from './api.js';
export { callboardTranslationRef } from './translation.js';
export declare const callboardPlugin: import("@backstage/core-plugin-api").BackstagePlugin<{
    reference: import("@backstage/core-plugin-api").RouteRef<undefined>;
    usage: import("@backstage/core-plugin-api").RouteRef<undefined>;
}, {}, {}>;
/** A card with the widgets of the entity; `include` and `exclude` choose among them. */
export declare const EntityWidgetsCard: typeof import("./components/EntityWidgetsCard.js").EntityWidgetsCard;
/** A tab with all widgets of the entity over a time. */
export declare const EntityUsageContent: typeof import("./components/EntityUsageContent.js").EntityUsageContent;
/** A tab with the reference of an API. */
export declare const EntityReferenceContent: typeof import("./components/EntityReferenceContent.js").EntityReferenceContent;
/** A condition for `EntitySwitch.Case`: whether the host has a widget for the entity that the viewer may see. */
export declare function isWidgetsAvailable(entity: Entity, context: {
    apis: ApiHolder;
}): Promise<boolean>;
