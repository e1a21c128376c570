// Made of server/internal/widget/openapi.yaml by npm run generate.

export interface paths {
    "/v1/catalog": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every widget that is installed */
        get: operations["ListWidgets"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/entities/{kind}/{namespace}/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The widgets that are for an entity, as far as the caller may see them */
        get: operations["ListWidgetsOfEntity"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/data/{plugin}/{widget}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The data of a widget */
        get: operations["GetWidgetData"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/render/{plugin}/{file}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A widget as a fragment of HTML, a picture, text or CSV */
        get: operations["RenderWidget"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/forms/{plugin}/{widget}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send what was filled into a form, in the name of the caller
         * @description Only with credentials in the Authorization header. As JSON, or as browsers send the form of a fragment; answered as JSON, or with "Accept: text/html" (which is the default for the latter) as a fragment: the outcome, or the form again with what is wrong. An InputError has the member fieldErrors, by field.
         */
        post: operations["SubmitWidget"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/style.css": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The style sheet that fragments need */
        get: operations["GetWidgetStyle"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/oembed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a page of this host shows, for consumers of oEmbed 1.0 */
        get: operations["GetOEmbed"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Several widgets at once, a line of JSON for each as soon as there is an answer */
        post: operations["AskWidgets"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/badge/{plugin}/{file}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The value of a widget as a badge */
        get: operations["GetWidgetBadge"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A token for pages of an embedding app */
        post: operations["MintEmbedToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tokens/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** The next token of a page, for the one that it has */
        post: operations["RefreshEmbedToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Ends a token and all that were refreshed from it or that it was refreshed from */
        delete: operations["RevokeEmbedToken"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What every caller may know of an embedding app */
        get: operations["GetEmbeddingApp"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apps/{app}/revoke": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends all tokens of an app that there are by now */
        post: operations["RevokeEmbeddingApp"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/capabilities": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The public pictures of the caller */
        get: operations["ListCapabilities"];
        put?: never;
        /** An address at which anybody sees one widget of one entity, with the rights of the caller */
        post: operations["GrantCapability"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/capabilities/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Ends a public picture at once */
        delete: operations["EndCapability"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/images/{file}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The picture of a capability, for anybody who has its address */
        get: operations["GetPublicPicture"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: never;
    responses: {
        /** @description Widgets */
        Widgets: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": {
                    widgets: {
                        id: string;
                        title: string;
                        description?: string;
                        view: string;
                        appliesTo: string;
                        argsSchema?: Record<string, never>;
                        refreshSeconds: number;
                        permission?: string;
                        /** @description It is a form, and takes what is filled in */
                        submits?: boolean;
                        /** @description Of a picture: about how many pixels high it is where nobody says a height */
                        height?: number;
                    }[];
                };
            };
        };
        /** @description A token, when to refresh it, and until when that is possible */
        EmbedToken: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": {
                    token: string;
                    id: string;
                    /** Format: date-time */
                    expiresAt: string;
                    /** Format: date-time */
                    refreshAfter: string;
                    /** Format: date-time */
                    sessionEndsAt: string;
                };
            };
        };
        /** @description What went wrong */
        Error: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": {
                    error?: Record<string, never>;
                };
            };
        };
    };
    parameters: {
        plugin: string;
        /** @description The entity that it is shown for, component:default/shop */
        entityRef: string;
        /** @description Begin of the time, RFC 3339 or milliseconds */
        from: string;
        /** @description Its end */
        to: string;
        /** @description Instead of from and to, one that ends now: 1h, 24h, 7d, 30d, 90d, 365d */
        range: string;
        /** @description How many points can be told apart */
        maxPoints: string;
        /** @description A JSON object that fits the widget's argsSchema */
        args: string;
        /** @description Language of numbers */
        lang: string;
        /** @description Time zone */
        tz: string;
    };
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    ListWidgets: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Widgets"];
            default: components["responses"]["Error"];
        };
    };
    ListWidgetsOfEntity: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                kind: string;
                namespace: string;
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Widgets"];
            default: components["responses"]["Error"];
        };
    };
    GetWidgetData: {
        parameters: {
            query?: {
                /** @description The entity that it is shown for, component:default/shop */
                entityRef?: components["parameters"]["entityRef"];
                /** @description Begin of the time, RFC 3339 or milliseconds */
                from?: components["parameters"]["from"];
                /** @description Its end */
                to?: components["parameters"]["to"];
                /** @description Instead of from and to, one that ends now: 1h, 24h, 7d, 30d, 90d, 365d */
                range?: components["parameters"]["range"];
                /** @description How many points can be told apart */
                maxPoints?: components["parameters"]["maxPoints"];
                /** @description A JSON object that fits the widget's argsSchema */
                args?: components["parameters"]["args"];
                /** @description Language of numbers */
                lang?: components["parameters"]["lang"];
                /** @description Time zone */
                tz?: components["parameters"]["tz"];
            };
            header?: never;
            path: {
                plugin: components["parameters"]["plugin"];
                widget: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Frames, and how old they are */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        id: string;
                        view: string;
                        title: string;
                        /** @enum {string} */
                        status: "ok" | "empty" | "partial" | "stale";
                        /** Format: date-time */
                        asOf: string;
                        /** @description Why there is no newer answer */
                        notice?: string;
                        /** @description Sources that are not in it */
                        missing?: string[];
                        frames: Record<string, never>[];
                    };
                };
            };
            default: components["responses"]["Error"];
        };
    };
    RenderWidget: {
        parameters: {
            query?: {
                /** @description The entity that it is shown for, component:default/shop */
                entityRef?: components["parameters"]["entityRef"];
                /** @description Begin of the time, RFC 3339 or milliseconds */
                from?: components["parameters"]["from"];
                /** @description Its end */
                to?: components["parameters"]["to"];
                /** @description Instead of from and to, one that ends now: 1h, 24h, 7d, 30d, 90d, 365d */
                range?: components["parameters"]["range"];
                /** @description How many points can be told apart */
                maxPoints?: components["parameters"]["maxPoints"];
                /** @description A JSON object that fits the widget's argsSchema */
                args?: components["parameters"]["args"];
                /** @description Language of numbers */
                lang?: components["parameters"]["lang"];
                /** @description Time zone */
                tz?: components["parameters"]["tz"];
                /** @description Width of a picture in CSS pixels */
                w?: string;
                /** @description Its height */
                h?: string;
                /** @description light, dark or auto (the viewer's); the page's if it is left out */
                theme?: string;
                /** @description Level of the heading of a fragment, 2 to 6; none if it is left out */
                level?: string;
                /** @description Pixels of a PNG for one of CSS, 1 to 3 */
                scale?: string;
            };
            header?: never;
            path: {
                plugin: components["parameters"]["plugin"];
                /** @description The widget with .html, .svg, .png, .txt or .csv */
                file: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The widget in that form */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description It is what the caller has already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Error"];
        };
    };
    SubmitWidget: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                plugin: components["parameters"]["plugin"];
                widget: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    entityRef?: string;
                    /** @description What was filled in; it fits the widget's argsSchema */
                    args?: Record<string, never>;
                    /** @description The same for each repetition of one submission; without it, each is another */
                    key?: string;
                    lang?: string;
                    tz?: string;
                };
                "application/x-www-form-urlencoded": unknown;
            };
        };
        responses: {
            /** @description It was done, or is on its way */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        message: string;
                        /** @description The frames hold something that is not answered again */
                        secret?: boolean;
                        frames: Record<string, never>[];
                        next?: {
                            title?: string;
                            url?: string;
                        };
                        /** @description The same as a fragment */
                        html: string;
                    };
                };
            };
            default: components["responses"]["Error"];
        };
    };
    GetWidgetStyle: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description CSS */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    GetOEmbed: {
        parameters: {
            query: {
                /** @description The address of a frame or of a page of the console */
                url: string;
                /** @description json, the only one */
                format?: string;
                maxwidth?: string;
                maxheight?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A frame (type rich), or a link where the address names no embedding app */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            /** @description A format other than json */
            501: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Error"];
        };
    };
    AskWidgets: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description At most 50; those that are the same are asked once */
                    requests: {
                        /** @description The widget, cost/summary */
                        id: string;
                        entityRef?: string;
                        /** @description RFC 3339 or milliseconds */
                        from?: unknown;
                        /** @description RFC 3339 or milliseconds */
                        to?: unknown;
                        range?: string;
                        /** @description A number */
                        maxPoints?: unknown;
                        args?: Record<string, never>;
                        lang?: string;
                        tz?: string;
                        /** @description A number */
                        w?: unknown;
                        /** @description A number */
                        h?: unknown;
                        /** @description A number */
                        level?: unknown;
                        theme?: string;
                        /** @description html, which is the default, or json */
                        format?: string;
                    }[];
                };
            };
        };
        responses: {
            /** @description Lines of {index, status, html or data, asOf, maxAge, error}, in the order in which they are ready */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": Record<string, never>;
                };
            };
            default: components["responses"]["Error"];
        };
    };
    GetWidgetBadge: {
        parameters: {
            query?: {
                /** @description The entity that it is shown for, component:default/shop */
                entityRef?: components["parameters"]["entityRef"];
                /** @description Begin of the time, RFC 3339 or milliseconds */
                from?: components["parameters"]["from"];
                /** @description Its end */
                to?: components["parameters"]["to"];
                /** @description Instead of from and to, one that ends now: 1h, 24h, 7d, 30d, 90d, 365d */
                range?: components["parameters"]["range"];
                /** @description A JSON object that fits the widget's argsSchema */
                args?: components["parameters"]["args"];
                /** @description Language of numbers */
                lang?: components["parameters"]["lang"];
                /** @description Time zone */
                tz?: components["parameters"]["tz"];
            };
            header?: never;
            path: {
                plugin: components["parameters"]["plugin"];
                /** @description The widget with .svg or .json */
                file: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description SVG, or the JSON that badge services read */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Error"];
        };
    };
    MintEmbedToken: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description An app of callboard.embed.apps */
                    app: string;
                    /** @description Left out here and below: all that the app may show */
                    widgets?: string[];
                    entities?: string[];
                    /** @description Arguments that the page cannot choose */
                    args?: Record<string, never>;
                    origins?: string[];
                    features?: string[];
                    /** @description The user whose rights the page has; left out: who asks */
                    viewer?: string;
                    /** @description Seconds, from 30 to 600; 300 when left out */
                    expiresIn?: number;
                };
            };
        };
        responses: {
            201: components["responses"]["EmbedToken"];
            default: components["responses"]["Error"];
        };
    };
    RefreshEmbedToken: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": Record<string, never>;
            };
        };
        responses: {
            201: components["responses"]["EmbedToken"];
            default: components["responses"]["Error"];
        };
    };
    RevokeEmbedToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It has ended */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Error"];
        };
    };
    GetEmbeddingApp: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its id and title */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Error"];
        };
    };
    RevokeEmbeddingApp: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                app: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description They have ended */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Error"];
        };
    };
    ListCapabilities: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Capabilities without their addresses */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Error"];
        };
    };
    GrantCapability: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    widget: string;
                    entityRef?: string;
                    args?: Record<string, never>;
                    /** @description Seconds; left out: until it is ended */
                    expiresIn?: number;
                };
            };
        };
        responses: {
            /** @description The capability with its address */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Error"];
        };
    };
    EndCapability: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It has ended */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Error"];
        };
    };
    GetPublicPicture: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The secret with .svg, .png or .json */
                file: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A picture */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Error"];
        };
    };
}
