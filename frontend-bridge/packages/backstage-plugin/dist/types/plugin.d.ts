export declare const callboardPlugin: import("@backstage/frontend-plugin-api").OverridableFrontendPlugin<{
    root: import("@backstage/frontend-plugin-api").RouteRef<undefined>;
}, {}, {
    "api:callboard/client": import("@backstage/frontend-plugin-api").OverridableExtensionDefinition<{
        kind: "api";
        name: "client";
        config: {};
        configInput: {};
        output: import("@backstage/frontend-plugin-api").ExtensionDataRef<import("@backstage/frontend-plugin-api").AnyApiFactory, "core.api.factory", {}>;
        inputs: {};
        params: <TApi, TImpl extends TApi, TDeps extends { [name in string]: unknown; }>(params: import("@backstage/frontend-plugin-api").ApiFactory<TApi, TImpl, TDeps>) => import("@backstage/frontend-plugin-api").ExtensionBlueprintParams<import("@backstage/frontend-plugin-api").AnyApiFactory>;
    }>;
    "entity-card:callboard/summary": import("@backstage/frontend-plugin-api").OverridableExtensionDefinition<{
        config: {
            limit: number | undefined;
            include: string[] | undefined;
            exclude: string[] | undefined;
            filter: import("@backstage/filter-predicates").FilterPredicate | undefined;
            type: "content" | "info" | undefined;
        };
        configInput: {
            limit?: number | undefined;
            include?: string[] | undefined;
            exclude?: string[] | undefined;
            filter?: import("@backstage/filter-predicates").FilterPredicate | undefined;
            type?: "content" | "info" | undefined | undefined;
        };
        output: import("@backstage/frontend-plugin-api").ExtensionDataRef<import("react").JSX.Element, "core.reactElement", {}> | import("@backstage/frontend-plugin-api").ExtensionDataRef<(entity: import("@backstage/catalog-model").Entity) => boolean, "catalog.entity-filter-function", {
            optional: true;
        }> | import("@backstage/frontend-plugin-api").ExtensionDataRef<string, "catalog.entity-filter-expression", {
            optional: true;
        }> | import("@backstage/frontend-plugin-api").ExtensionDataRef<import("@backstage/plugin-catalog-react/alpha").EntityCardType, "catalog.entity-card-type", {
            optional: true;
        }>;
        inputs: {};
        kind: "entity-card";
        name: "summary";
        params: {
            loader: () => Promise<JSX.Element>;
            filter?: string | import("@backstage/filter-predicates").FilterPredicate | ((entity: import("@backstage/catalog-model").Entity) => boolean);
            type?: import("@backstage/plugin-catalog-react/alpha").EntityCardType;
        };
    }>;
    "entity-card:callboard/usage": import("@backstage/frontend-plugin-api").OverridableExtensionDefinition<{
        config: {
            limit: number | undefined;
            include: string[] | undefined;
            exclude: string[] | undefined;
            filter: import("@backstage/filter-predicates").FilterPredicate | undefined;
            type: "content" | "info" | undefined;
        };
        configInput: {
            limit?: number | undefined;
            include?: string[] | undefined;
            exclude?: string[] | undefined;
            filter?: import("@backstage/filter-predicates").FilterPredicate | undefined;
            type?: "content" | "info" | undefined | undefined;
        };
        output: import("@backstage/frontend-plugin-api").ExtensionDataRef<import("react").JSX.Element, "core.reactElement", {}> | import("@backstage/frontend-plugin-api").ExtensionDataRef<(entity: import("@backstage/catalog-model").Entity) => boolean, "catalog.entity-filter-function", {
            optional: true;
        }> | import("@backstage/frontend-plugin-api").ExtensionDataRef<string, "catalog.entity-filter-expression", {
            optional: true;
        }> | import("@backstage/frontend-plugin-api").ExtensionDataRef<import("@backstage/plugin-catalog-react/alpha").EntityCardType, "catalog.entity-card-type", {
            optional: true;
        }>;
        inputs: {};
        kind: "entity-card";
        name: "usage" | "cost" | "errors" | "quality";
        params: {
            loader: () => Promise<JSX.Element>;
            filter?: string | import("@backstage/filter-predicates").FilterPredicate | ((entity: import("@backstage/catalog-model").Entity) => boolean);
            type?: import("@backstage/plugin-catalog-react/alpha").EntityCardType;
        };
    }>;
    "entity-card:callboard/cost": import("@backstage/frontend-plugin-api").OverridableExtensionDefinition<{
        config: {
            limit: number | undefined;
            include: string[] | undefined;
            exclude: string[] | undefined;
            filter: import("@backstage/filter-predicates").FilterPredicate | undefined;
            type: "content" | "info" | undefined;
        };
        configInput: {
            limit?: number | undefined;
            include?: string[] | undefined;
            exclude?: string[] | undefined;
            filter?: import("@backstage/filter-predicates").FilterPredicate | undefined;
            type?: "content" | "info" | undefined | undefined;
        };
        output: import("@backstage/frontend-plugin-api").ExtensionDataRef<import("react").JSX.Element, "core.reactElement", {}> | import("@backstage/frontend-plugin-api").ExtensionDataRef<(entity: import("@backstage/catalog-model").Entity) => boolean, "catalog.entity-filter-function", {
            optional: true;
        }> | import("@backstage/frontend-plugin-api").ExtensionDataRef<string, "catalog.entity-filter-expression", {
            optional: true;
        }> | import("@backstage/frontend-plugin-api").ExtensionDataRef<import("@backstage/plugin-catalog-react/alpha").EntityCardType, "catalog.entity-card-type", {
            optional: true;
        }>;
        inputs: {};
        kind: "entity-card";
        name: "usage" | "cost" | "errors" | "quality";
        params: {
            loader: () => Promise<JSX.Element>;
            filter?: string | import("@backstage/filter-predicates").FilterPredicate | ((entity: import("@backstage/catalog-model").Entity) => boolean);
            type?: import("@backstage/plugin-catalog-react/alpha").EntityCardType;
        };
    }>;
    "entity-card:callboard/errors": import("@backstage/frontend-plugin-api").OverridableExtensionDefinition<{
        config: {
            limit: number | undefined;
            include: string[] | undefined;
            exclude: string[] | undefined;
            filter: import("@backstage/filter-predicates").FilterPredicate | undefined;
            type: "content" | "info" | undefined;
        };
        configInput: {
            limit?: number | undefined;
            include?: string[] | undefined;
            exclude?: string[] | undefined;
            filter?: import("@backstage/filter-predicates").FilterPredicate | undefined;
            type?: "content" | "info" | undefined | undefined;
        };
        output: import("@backstage/frontend-plugin-api").ExtensionDataRef<import("react").JSX.Element, "core.reactElement", {}> | import("@backstage/frontend-plugin-api").ExtensionDataRef<(entity: import("@backstage/catalog-model").Entity) => boolean, "catalog.entity-filter-function", {
            optional: true;
        }> | import("@backstage/frontend-plugin-api").ExtensionDataRef<string, "catalog.entity-filter-expression", {
            optional: true;
        }> | import("@backstage/frontend-plugin-api").ExtensionDataRef<import("@backstage/plugin-catalog-react/alpha").EntityCardType, "catalog.entity-card-type", {
            optional: true;
        }>;
        inputs: {};
        kind: "entity-card";
        name: "usage" | "cost" | "errors" | "quality";
        params: {
            loader: () => Promise<JSX.Element>;
            filter?: string | import("@backstage/filter-predicates").FilterPredicate | ((entity: import("@backstage/catalog-model").Entity) => boolean);
            type?: import("@backstage/plugin-catalog-react/alpha").EntityCardType;
        };
    }>;
    "entity-card:callboard/quality": import("@backstage/frontend-plugin-api").OverridableExtensionDefinition<{
        config: {
            limit: number | undefined;
            include: string[] | undefined;
            exclude: string[] | undefined;
            filter: import("@backstage/filter-predicates").FilterPredicate | undefined;
            type: "content" | "info" | undefined;
        };
        configInput: {
            limit?: number | undefined;
            include?: string[] | undefined;
            exclude?: string[] | undefined;
            filter?: import("@backstage/filter-predicates").FilterPredicate | undefined;
            type?: "content" | "info" | undefined | undefined;
        };
        output: import("@backstage/frontend-plugin-api").ExtensionDataRef<import("react").JSX.Element, "core.reactElement", {}> | import("@backstage/frontend-plugin-api").ExtensionDataRef<(entity: import("@backstage/catalog-model").Entity) => boolean, "catalog.entity-filter-function", {
            optional: true;
        }> | import("@backstage/frontend-plugin-api").ExtensionDataRef<string, "catalog.entity-filter-expression", {
            optional: true;
        }> | import("@backstage/frontend-plugin-api").ExtensionDataRef<import("@backstage/plugin-catalog-react/alpha").EntityCardType, "catalog.entity-card-type", {
            optional: true;
        }>;
        inputs: {};
        kind: "entity-card";
        name: "usage" | "cost" | "errors" | "quality";
        params: {
            loader: () => Promise<JSX.Element>;
            filter?: string | import("@backstage/filter-predicates").FilterPredicate | ((entity: import("@backstage/catalog-model").Entity) => boolean);
            type?: import("@backstage/plugin-catalog-react/alpha").EntityCardType;
        };
    }>;
    "entity-content:callboard/reference": import("@backstage/frontend-plugin-api").OverridableExtensionDefinition<{
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
    "entity-content:callboard/usage": import("@backstage/frontend-plugin-api").OverridableExtensionDefinition<{
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
    "page:callboard": import("@backstage/frontend-plugin-api").OverridableExtensionDefinition<{
        kind: "page";
        name: undefined;
        config: {
            path: string | undefined;
            title: string | undefined;
        };
        configInput: {
            path?: string | undefined;
            title?: string | undefined;
        };
        output: import("@backstage/frontend-plugin-api").ExtensionDataRef<import("react").JSX.Element, "core.reactElement", {}> | import("@backstage/frontend-plugin-api").ExtensionDataRef<string, "core.routing.path", {}> | import("@backstage/frontend-plugin-api").ExtensionDataRef<import("@backstage/frontend-plugin-api").RouteRef<import("@backstage/frontend-plugin-api").AnyRouteRefParams>, "core.routing.ref", {
            optional: true;
        }> | import("@backstage/frontend-plugin-api").ExtensionDataRef<string, "core.title", {
            optional: true;
        }> | import("@backstage/frontend-plugin-api").ExtensionDataRef<import("@backstage/frontend-plugin-api").IconElement, "core.icon", {
            optional: true;
        }>;
        inputs: {
            pages: import("@backstage/frontend-plugin-api").ExtensionInput<import("@backstage/frontend-plugin-api").ConfigurableExtensionDataRef<import("react").JSX.Element, "core.reactElement", {}> | import("@backstage/frontend-plugin-api").ConfigurableExtensionDataRef<string, "core.routing.path", {}> | import("@backstage/frontend-plugin-api").ConfigurableExtensionDataRef<import("@backstage/frontend-plugin-api").RouteRef<import("@backstage/frontend-plugin-api").AnyRouteRefParams>, "core.routing.ref", {
                optional: true;
            }> | import("@backstage/frontend-plugin-api").ConfigurableExtensionDataRef<string, "core.title", {
                optional: true;
            }> | import("@backstage/frontend-plugin-api").ConfigurableExtensionDataRef<import("@backstage/frontend-plugin-api").IconElement, "core.icon", {
                optional: true;
            }>, {
                singleton: false;
                optional: false;
                internal: false;
            }>;
        };
        params: {
            path: string;
            title?: string;
            icon?: import("@backstage/frontend-plugin-api").IconElement;
            loader?: () => Promise<import("react").JSX.Element>;
            routeRef?: import("@backstage/frontend-plugin-api").RouteRef;
            noHeader?: boolean;
        };
    }>;
    "sub-page:callboard/access-requests": import("@backstage/frontend-plugin-api").OverridableExtensionDefinition<{
        kind: "sub-page";
        name: "access-requests";
        config: {
            path: string | undefined;
            title: string | undefined;
        };
        configInput: {
            path?: string | undefined;
            title?: string | undefined;
        };
        output: import("@backstage/frontend-plugin-api").ExtensionDataRef<import("react").JSX.Element, "core.reactElement", {}> | import("@backstage/frontend-plugin-api").ExtensionDataRef<string, "core.routing.path", {}> | import("@backstage/frontend-plugin-api").ExtensionDataRef<import("@backstage/frontend-plugin-api").RouteRef<import("@backstage/frontend-plugin-api").AnyRouteRefParams>, "core.routing.ref", {
            optional: true;
        }> | import("@backstage/frontend-plugin-api").ExtensionDataRef<string, "core.title", {}> | import("@backstage/frontend-plugin-api").ExtensionDataRef<import("@backstage/frontend-plugin-api").IconElement, "core.icon", {
            optional: true;
        }>;
        inputs: {};
        params: {
            path: string;
            title: string;
            icon?: import("@backstage/frontend-plugin-api").IconElement;
            loader: () => Promise<JSX.Element>;
            routeRef?: import("@backstage/frontend-plugin-api").RouteRef;
        };
    }>;
    "sub-page:callboard/plugins": import("@backstage/frontend-plugin-api").OverridableExtensionDefinition<{
        kind: "sub-page";
        name: "plugins";
        config: {
            path: string | undefined;
            title: string | undefined;
        };
        configInput: {
            path?: string | undefined;
            title?: string | undefined;
        };
        output: import("@backstage/frontend-plugin-api").ExtensionDataRef<import("react").JSX.Element, "core.reactElement", {}> | import("@backstage/frontend-plugin-api").ExtensionDataRef<string, "core.routing.path", {}> | import("@backstage/frontend-plugin-api").ExtensionDataRef<import("@backstage/frontend-plugin-api").RouteRef<import("@backstage/frontend-plugin-api").AnyRouteRefParams>, "core.routing.ref", {
            optional: true;
        }> | import("@backstage/frontend-plugin-api").ExtensionDataRef<string, "core.title", {}> | import("@backstage/frontend-plugin-api").ExtensionDataRef<import("@backstage/frontend-plugin-api").IconElement, "core.icon", {
            optional: true;
        }>;
        inputs: {};
        params: {
            path: string;
            title: string;
            icon?: import("@backstage/frontend-plugin-api").IconElement;
            loader: () => Promise<JSX.Element>;
            routeRef?: import("@backstage/frontend-plugin-api").RouteRef;
        };
    }>;
    "sub-page:callboard/usage": import("@backstage/frontend-plugin-api").OverridableExtensionDefinition<{
        kind: "sub-page";
        name: "usage";
        config: {
            path: string | undefined;
            title: string | undefined;
        };
        configInput: {
            path?: string | undefined;
            title?: string | undefined;
        };
        output: import("@backstage/frontend-plugin-api").ExtensionDataRef<import("react").JSX.Element, "core.reactElement", {}> | import("@backstage/frontend-plugin-api").ExtensionDataRef<string, "core.routing.path", {}> | import("@backstage/frontend-plugin-api").ExtensionDataRef<import("@backstage/frontend-plugin-api").RouteRef<import("@backstage/frontend-plugin-api").AnyRouteRefParams>, "core.routing.ref", {
            optional: true;
        }> | import("@backstage/frontend-plugin-api").ExtensionDataRef<string, "core.title", {}> | import("@backstage/frontend-plugin-api").ExtensionDataRef<import("@backstage/frontend-plugin-api").IconElement, "core.icon", {
            optional: true;
        }>;
        inputs: {};
        params: {
            path: string;
            title: string;
            icon?: import("@backstage/frontend-plugin-api").IconElement;
            loader: () => Promise<JSX.Element>;
            routeRef?: import("@backstage/frontend-plugin-api").RouteRef;
        };
    }>;
}>;
