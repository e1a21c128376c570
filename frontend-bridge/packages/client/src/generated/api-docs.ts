// Made of server/internal/apidocs/openapi.yaml by npm run generate.

export interface paths {
    "/v1/entities/{kind}/{namespace}/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What an API is, and all of its operations by group */
        get: operations["GetApiIndex"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/entities/{kind}/{namespace}/{name}/operations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One operation */
        get: operations["GetApiOperation"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/entities/{kind}/{namespace}/{name}/operations/{id}/try": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a request of an operation through the host
         * @description Off unless callboard.apiDocs.tryIt.enabled. Needs the permission callboard.apidocs.try and a token in the header; tokens of embedding pages need the feature tryit. What may change something is answered with 409 and a token first; the same request with that token as confirm is sent, once, within two minutes.
         */
        post: operations["TryApiOperation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/entities/{kind}/{namespace}/{name}/schemas/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One level of a schema */
        get: operations["GetApiSchema"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/entities/{kind}/{namespace}/{name}/search.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All operations and listed types in a compact form, at most 100,000 bytes */
        get: operations["GetApiSearchIndex"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/entities/{kind}/{namespace}/{name}/document": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The document, from which no reference leads out */
        get: operations["GetApiDocument"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/entities/{kind}/{namespace}/{name}/viewer/{viewer}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A page on which a viewer from npm shows the document, without an origin and without a network */
        get: operations["GetApiViewer"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/docs/{kind}/{namespace}/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The first page of an entity's documentation
         * @description The article of a page of the entity's TechDocs site, sanitised, with its contents and the pages of the site; where no site is published, the README.md beside the entity's description. Pictures of fragments for embedding pages are in the page.
         */
        get: operations["GetDocumentationStart"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/docs/{kind}/{namespace}/{name}/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A page of an entity's documentation */
        get: operations["GetDocumentation"];
        put?: never;
        post?: never;
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
        /** The style sheet that pages and fragments need */
        get: operations["GetApiDocsStyle"];
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
        /** @description HTML */
        Page: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "text/html": string;
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
        kind: string;
        namespace: string;
        name: string;
        /** @description page (default) or fragment */
        view: string;
        /** @description Level of the first heading, 1 to 4 */
        level: string;
    };
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    GetApiIndex: {
        parameters: {
            query?: {
                /** @description page (default) or fragment */
                view?: components["parameters"]["view"];
                /** @description Level of the first heading, 1 to 4 */
                level?: components["parameters"]["level"];
                /** @description Words that operations must hold to be listed */
                q?: string;
            };
            header?: never;
            path: {
                kind: components["parameters"]["kind"];
                namespace: components["parameters"]["namespace"];
                name: components["parameters"]["name"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Page"];
            /** @description The caller has it already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Error"];
        };
    };
    GetApiOperation: {
        parameters: {
            query?: {
                /** @description page (default) or fragment */
                view?: components["parameters"]["view"];
                /** @description Level of the first heading, 1 to 4 */
                level?: components["parameters"]["level"];
            };
            header?: never;
            path: {
                kind: components["parameters"]["kind"];
                namespace: components["parameters"]["namespace"];
                name: components["parameters"]["name"];
                /** @description As in the index */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Page"];
            /** @description The caller has it already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Error"];
        };
    };
    TryApiOperation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                kind: components["parameters"]["kind"];
                namespace: components["parameters"]["namespace"];
                name: components["parameters"]["name"];
                /** @description As in the index */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description One that the document names and the configuration allows; without it the preferred one */
                    server?: string;
                    /** @description Id of a credential of the server, which the host adds */
                    credential?: string;
                    params?: {
                        path?: {
                            [key: string]: string;
                        };
                        query?: {
                            [key: string]: string | string[];
                        };
                        header?: {
                            [key: string]: string;
                        };
                        /** @description Those that the configuration lets viewers set */
                        cookie?: {
                            [key: string]: string;
                        };
                    };
                    /** @description One of those of the operation */
                    contentType?: string;
                    /** @description At most a megabyte */
                    body?: string;
                    /** @description In the place of body, the fields of multipart/form-data or application/x-www-form-urlencoded in their order; a field of several values is several of one name. They make a body of at most a megabyte. */
                    parts?: {
                        /** @description A field that the operation describes */
                        name: string;
                        /** @description What it holds; or base64 */
                        text?: string;
                        base64?: string;
                        /** @description Makes a file of it; without a path */
                        filename?: string;
                        contentType?: string;
                    }[];
                    confirm?: string;
                };
            };
        };
        responses: {
            /** @description What the API answered, whatever its status */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        status: number;
                        headers: {
                            [key: string]: string;
                        };
                        body: string;
                        /** @enum {string} */
                        encoding: "text" | "base64";
                        bytes: number;
                        /** @description true when there was more than a megabyte */
                        truncated: boolean;
                        tookMs: number;
                        method: string;
                        url: string;
                        notes?: string[];
                    };
                };
            };
            /** @description The request changes something and is not confirmed */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: Record<string, never>;
                        confirm: {
                            token: string;
                            /** Format: date-time */
                            expiresAt: string;
                            summary: Record<string, never>;
                        };
                    };
                };
            };
            default: components["responses"]["Error"];
        };
    };
    GetApiSchema: {
        parameters: {
            query?: {
                /** @description page (default) or fragment */
                view?: components["parameters"]["view"];
                /** @description Level of the first heading, 1 to 4 */
                level?: components["parameters"]["level"];
            };
            header?: never;
            path: {
                kind: components["parameters"]["kind"];
                namespace: components["parameters"]["namespace"];
                name: components["parameters"]["name"];
                /** @description The way to it in the document, such as components.schemas.Pet */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Page"];
            /** @description The caller has it already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Error"];
        };
    };
    GetApiSearchIndex: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                kind: components["parameters"]["kind"];
                namespace: components["parameters"]["namespace"];
                name: components["parameters"]["name"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The index */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        version: number;
                        /** @description false when there was no room for all */
                        complete: boolean;
                        groups: string[];
                        operations: unknown[][];
                    };
                };
            };
            /** @description The caller has it already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Error"];
        };
    };
    GetApiDocument: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                kind: components["parameters"]["kind"];
                namespace: components["parameters"]["namespace"];
                name: components["parameters"]["name"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description JSON or the source text */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The caller has it already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Error"];
        };
    };
    GetApiViewer: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                kind: components["parameters"]["kind"];
                namespace: components["parameters"]["namespace"];
                name: components["parameters"]["name"];
                /** @description swagger-ui or redoc */
                viewer: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Page"];
            default: components["responses"]["Error"];
        };
    };
    GetDocumentationStart: {
        parameters: {
            query?: {
                /** @description page (default) or fragment */
                view?: components["parameters"]["view"];
                /** @description Level of the first heading, 1 to 4 */
                level?: components["parameters"]["level"];
            };
            header?: never;
            path: {
                kind: components["parameters"]["kind"];
                namespace: components["parameters"]["namespace"];
                name: components["parameters"]["name"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Page"];
            /** @description The caller has it already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Error"];
        };
    };
    GetDocumentation: {
        parameters: {
            query?: {
                /** @description page (default) or fragment */
                view?: components["parameters"]["view"];
                /** @description Level of the first heading, 1 to 4 */
                level?: components["parameters"]["level"];
            };
            header?: never;
            path: {
                kind: components["parameters"]["kind"];
                namespace: components["parameters"]["namespace"];
                name: components["parameters"]["name"];
                /** @description Path of the page in the site, empty for the first one */
                path: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Page"];
            /** @description The caller has it already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Error"];
        };
    };
    GetApiDocsStyle: {
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
}
