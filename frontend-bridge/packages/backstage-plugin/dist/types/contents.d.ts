/** The reference of an API, of whatever format. */
export declare const referenceContent: import("@backstage/frontend-plugin-api").OverridableExtensionDefinition<{
    kind: "entity-content";
    name: "reference";
    config: {
        path: string | undefined;
        title: string | undefined;
        filter: import("@backstage/filter-predicates").FilterPredicate | undefined;
        group: string | false | undefined;
        icon: string | undefined;
    };
    configInput: {
        path?: string | undefined;
        title?: string | undefined;
        filter?: import("@backstage/filter-predicates").FilterPredicate | undefined;
        group?: string | false | undefined;
        icon?: string | undefined;
    };
    output: import("@backstage/frontend-plugin-api").ExtensionDataRef<import("react").JSX.Element, "core.reactElement", {}> | import("@backstage/frontend-plugin-api").ExtensionDataRef<string, "core.routing.path", {}> | import("@backstage/frontend-plugin-api").ExtensionDataRef<import("@backstage/frontend-plugin-api").RouteRef<import("@backstage/frontend-plugin-api").AnyRouteRefParams>, "core.routing.ref", {
        optional: true;
    }> | import("@backstage/frontend-plugin-api").ExtensionDataRef<(entity: import("@backstage/catalog-model").Entity) => boolean, "catalog.entity-filter-function", {
        optional: true;
    }> | import("@backstage/frontend-plugin-api").ExtensionDataRef<string, "catalog.entity-filter-expression", {
        optional: true;
    }> | import("@backstage/frontend-plugin-api").ExtensionDataRef<string, "catalog.entity-content-title", {}> | import("@backstage/frontend-plugin-api").ExtensionDataRef<string, "catalog.entity-content-group", {
        optional: true;
    }> | import("@backstage/frontend-plugin-api").ExtensionDataRef<string | import("react").ReactElement<any, string | import("react").JSXElementConstructor<any>>, "catalog.entity-content-icon", {
        optional: true;
    }>;
    inputs: {};
    params: {
        defaultPath?: [Error: `Use the 'path' param instead`];
        path: string;
        defaultTitle?: [Error: `Use the 'title' param instead`];
        title: string;
        defaultGroup?: [Error: `Use the 'group' param instead`];
        group?: ("overview" | "documentation" | "development" | "deployment" | "operation" | "observability") | (string & {});
        icon?: string | import("react").ReactElement;
        loader: () => Promise<JSX.Element>;
        routeRef?: import("@backstage/frontend-plugin-api").RouteRef;
        filter?: string | import("@backstage/filter-predicates").FilterPredicate | ((entity: import("@backstage/catalog-model").Entity) => boolean);
    };
}>;
/** All widgets of an entity over a time that the viewer chooses. */
export declare const usageContent: import("@backstage/frontend-plugin-api").OverridableExtensionDefinition<{
    config: {
        include: string[] | undefined;
        exclude: string[] | undefined;
        path: string | undefined;
        title: string | undefined;
        filter: import("@backstage/filter-predicates").FilterPredicate | undefined;
        group: string | false | undefined;
        icon: string | undefined;
    };
    configInput: {
        include?: string[] | undefined;
        exclude?: string[] | undefined;
        path?: string | undefined | undefined;
        title?: string | undefined | undefined;
        filter?: import("@backstage/filter-predicates").FilterPredicate | undefined;
        group?: string | false | undefined | undefined;
        icon?: string | undefined | undefined;
    };
    output: import("@backstage/frontend-plugin-api").ExtensionDataRef<import("react").JSX.Element, "core.reactElement", {}> | import("@backstage/frontend-plugin-api").ExtensionDataRef<string, "core.routing.path", {}> | import("@backstage/frontend-plugin-api").ExtensionDataRef<import("@backstage/frontend-plugin-api").RouteRef<import("@backstage/frontend-plugin-api").AnyRouteRefParams>, "core.routing.ref", {
        optional: true;
    }> | import("@backstage/frontend-plugin-api").ExtensionDataRef<(entity: import("@backstage/catalog-model").Entity) => boolean, "catalog.entity-filter-function", {
        optional: true;
    }> | import("@backstage/frontend-plugin-api").ExtensionDataRef<string, "catalog.entity-filter-expression", {
        optional: true;
    }> | import("@backstage/frontend-plugin-api").ExtensionDataRef<string, "catalog.entity-content-title", {}> | import("@backstage/frontend-plugin-api").ExtensionDataRef<string, "catalog.entity-content-group", {
        optional: true;
    }> | import("@backstage/frontend-plugin-api").ExtensionDataRef<string | import("react").ReactElement<any, string | import("react").JSXElementConstructor<any>>, "catalog.entity-content-icon", {
        optional: true;
    }>;
    inputs: {};
    kind: "entity-content";
    name: "usage";
    params: {
        defaultPath?: [Error: `Use the 'path' param instead`];
        path: string;
        defaultTitle?: [Error: `Use the 'title' param instead`];
        title: string;
        defaultGroup?: [Error: `Use the 'group' param instead`];
        group?: ("overview" | "documentation" | "development" | "deployment" | "operation" | "observability") | (string & {});
        icon?: string | import("react").ReactElement;
        loader: () => Promise<JSX.Element>;
        routeRef?: import("@backstage/frontend-plugin-api").RouteRef;
        filter?: string | import("@backstage/filter-predicates").FilterPredicate | ((entity: import("@backstage/catalog-model").Entity) => boolean);
    };
}>;
