export declare const rootRouteRef: import("@backstage/frontend-plugin-api").RouteRef<undefined>;
export declare const icon: import("react").JSX.Element;
export declare const page: import("@backstage/frontend-plugin-api").OverridableExtensionDefinition<{
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
export declare const usagePage: import("@backstage/frontend-plugin-api").OverridableExtensionDefinition<{
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
export declare const accessRequestsPage: import("@backstage/frontend-plugin-api").OverridableExtensionDefinition<{
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
/** Shown to whom the portal's permission policy allows `callboard.plugins.read`. */
export declare const pluginsPage: import("@backstage/frontend-plugin-api").OverridableExtensionDefinition<{
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
