// Made of server/internal/search/openapi.yaml by npm run generate.

export interface paths {
    "/query": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description The documents that match a term and filters, best first. */
        get: operations["Query"];
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
    schemas: {
        JsonObject: {
            [key: string]: unknown;
        };
        ResultPage: {
            results: components["schemas"]["Result"][];
            nextPageCursor?: string;
            previousPageCursor?: string;
            /** @description Absent for callers who do not see every document. */
            numberOfResults?: number;
        };
        Result: {
            type: string;
            /** @description The document as it was indexed. */
            document: {
                title?: string;
                text?: string;
                /** @description Where a click leads. */
                location?: string;
            };
            /** @description 1 is the best. */
            rank?: number;
            highlight?: {
                preTag?: string;
                postTag?: string;
                fields?: {
                    [key: string]: string;
                };
            };
        };
        Error: {
            error: {
                name: string;
                message: string;
            };
            request: {
                method: string;
                url: string;
            };
            response: {
                statusCode: number;
            };
        };
    };
    responses: {
        /** @description An error. */
        ErrorResponse: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json; charset=utf-8": components["schemas"]["Error"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    Query: {
        parameters: {
            query?: {
                /** @description Words to look for; empty = everything. */
                term?: string;
                /** @description Field names with one value each, which is demanded, or several, each of which is enough. */
                filters?: components["schemas"]["JsonObject"];
                /** @description Document types; without them, all. */
                types?: string[];
                pageCursor?: string;
                pageLimit?: number;
                /** @description Further parameters are ignored. */
                unknown?: {
                    [key: string]: unknown;
                };
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page of results. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ResultPage"];
                };
            };
            default: components["responses"]["ErrorResponse"];
        };
    };
}
