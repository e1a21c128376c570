// Made of server/internal/catalog/openapi.yaml by npm run generate.

export interface paths {
    "/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Process an entity and the locations above it now */
        post: operations["RefreshEntity"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/entities": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * All entities, or a page by offset
         * @description Without limit, offset and after, everything is streamed in the order of uids, or of the first order. With any of them, a page: all orders count, entities that lack a field come last, and a Link header leads to the next page.
         */
        get: operations["GetEntities"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/entities/by-uid/{uid}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["GetEntityByUid"];
        put?: never;
        post?: never;
        /**
         * Remove an entity
         * @description An entity that a location still names comes back when the location is processed.
         */
        delete: operations["DeleteEntityByUid"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/entities/by-name/{kind}/{namespace}/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["GetEntityByName"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/entities/by-name/{kind}/{namespace}/{name}/ancestry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Where an entity comes from, up to the configured locations */
        get: operations["GetEntityAncestryByName"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/entities/by-refs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Entities by canonical ref, in the order asked for */
        post: operations["GetEntitiesByRefs"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/entities/by-query": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A page of entities, with a total and cursors to its neighbours */
        get: operations["GetEntitiesByQuery"];
        put?: never;
        /** A page of entities by predicate */
        post: operations["QueryEntitiesByPredicate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/entity-facets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How many entities have which values */
        get: operations["GetEntityFacets"];
        put?: never;
        post: operations["QueryEntityFacetsByPredicate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/locations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every registered location; configured ones are not among them */
        get: operations["GetLocations"];
        put?: never;
        /** Register a location, or try what it would bring */
        post: operations["CreateLocation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/locations/by-query": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["GetLocationsByQuery"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/locations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["GetLocation"];
        put: operations["UpdateLocation"];
        post?: never;
        delete: operations["DeleteLocation"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/locations/by-entity/{kind}/{namespace}/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["getLocationByEntity"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/analyze-location": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** What a repository could be registered as */
        post: operations["AnalyzeLocation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/validate-entity": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Whether an entity would be accepted */
        post: operations["ValidateEntity"];
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
        /** @description An entity, or what a projection left of it */
        EntityPart: {
            [key: string]: unknown;
        };
        Entity: {
            apiVersion: string;
            kind: string;
            metadata: {
                uid?: string;
                etag?: string;
                name: string;
                namespace?: string;
                title?: string;
            };
            spec?: components["schemas"]["JsonObject"];
            relations?: {
                type: string;
                targetRef: string;
            }[];
        };
        LocationInput: {
            type: string;
            target: string;
        };
        Location: {
            target: string;
            type: string;
            id: string;
            entityRef: string;
        };
        Error: {
            error: {
                name: string;
                message: string;
                code?: string;
            };
            request?: {
                method: string;
                url: string;
            };
            response: {
                statusCode: number;
            };
        };
    };
    responses: {
        /** @description What went wrong */
        Error: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description The entity */
        Entity: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Entity"];
            };
        };
        /** @description The location */
        Location: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Location"];
            };
        };
        /** @description A page */
        Page: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": {
                    items: components["schemas"]["EntityPart"][];
                    totalItems: number;
                    pageInfo: {
                        nextCursor?: string;
                        prevCursor?: string;
                    };
                };
            };
        };
        /** @description Counted values by facet */
        Facets: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": {
                    facets: {
                        [key: string]: {
                            value: string;
                            count: number;
                        }[];
                    };
                };
            };
        };
    };
    parameters: {
        kind: string;
        namespace: string;
        name: string;
        uid: string;
        id: string;
        /** @description Dotted paths to take; without any, whole entities. */
        fields: string[];
        /** @description Statements "key", "key=value" or "key=" separated by commas, all of which must hold; the same key twice means either value. Repeated filters are alternatives. */
        filter: string[];
        offset: number;
        limit: number;
    };
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    RefreshEntity: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description Token of the user acted for; only old callers send it. */
                    authorizationToken?: string;
                    entityRef: string;
                };
            };
        };
        responses: {
            /** @description Scheduled */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Error"];
        };
    };
    GetEntities: {
        parameters: {
            query?: {
                /** @description Dotted paths to take; without any, whole entities. */
                fields?: components["parameters"]["fields"];
                limit?: components["parameters"]["limit"];
                /** @description Statements "key", "key=value" or "key=" separated by commas, all of which must hold; the same key twice means either value. Repeated filters are alternatives. */
                filter?: components["parameters"]["filter"];
                offset?: components["parameters"]["offset"];
                /** @description From the Link header; wins over limit and offset. */
                after?: string;
                /** @description "asc:<field>" or "desc:<field>" */
                order?: string[];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Entities, or the projected parts of them */
            200: {
                headers: {
                    /** @description The next page, relative to the mount */
                    link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EntityPart"][];
                };
            };
            default: components["responses"]["Error"];
        };
    };
    GetEntityByUid: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                uid: components["parameters"]["uid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Entity"];
            default: components["responses"]["Error"];
        };
    };
    DeleteEntityByUid: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                uid: components["parameters"]["uid"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Removed, or not there */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Error"];
        };
    };
    GetEntityByName: {
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
            200: components["responses"]["Entity"];
            default: components["responses"]["Error"];
        };
    };
    GetEntityAncestryByName: {
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
            /** @description The entity and its ancestors */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        rootEntityRef: string;
                        items: {
                            entity: components["schemas"]["Entity"];
                            parentEntityRefs: string[];
                        }[];
                    };
                };
            };
            default: components["responses"]["Error"];
        };
    };
    GetEntitiesByRefs: {
        parameters: {
            query?: {
                /** @description Statements "key", "key=value" or "key=" separated by commas, all of which must hold; the same key twice means either value. Repeated filters are alternatives. */
                filter?: components["parameters"]["filter"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    entityRefs: string[];
                    fields?: string[];
                    query?: components["schemas"]["JsonObject"];
                };
            };
        };
        responses: {
            /** @description Null stands for what is missing, filtered out or not readable */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: (components["schemas"]["EntityPart"] | null)[];
                    };
                };
            };
            default: components["responses"]["Error"];
        };
    };
    GetEntitiesByQuery: {
        parameters: {
            query?: {
                /** @description Dotted paths to take; without any, whole entities. */
                fields?: components["parameters"]["fields"];
                limit?: components["parameters"]["limit"];
                offset?: components["parameters"]["offset"];
                /** @description "<field>" or "<field>,asc" or "<field>,desc"; only the first one counts. */
                orderField?: string[];
                cursor?: string;
                /** @description Statements "key", "key=value" or "key=" separated by commas, all of which must hold; the same key twice means either value. Repeated filters are alternatives. */
                filter?: components["parameters"]["filter"];
                totalItems?: "include" | "exclude";
                fullTextFilterTerm?: string;
                fullTextFilterFields?: string[];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Page"];
            default: components["responses"]["Error"];
        };
    };
    QueryEntitiesByPredicate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    cursor?: string;
                    limit?: number;
                    offset?: number;
                    orderBy?: {
                        field: string;
                        /** @enum {string} */
                        order: "asc" | "desc";
                    }[];
                    fullTextFilter?: {
                        term?: string;
                        fields?: string[];
                    };
                    fields?: string[];
                    /** @enum {string} */
                    totalItems?: "include" | "exclude";
                    query?: components["schemas"]["JsonObject"];
                };
            };
        };
        responses: {
            200: components["responses"]["Page"];
            default: components["responses"]["Error"];
        };
    };
    GetEntityFacets: {
        parameters: {
            query: {
                facet: string[];
                /** @description Statements "key", "key=value" or "key=" separated by commas, all of which must hold; the same key twice means either value. Repeated filters are alternatives. */
                filter?: components["parameters"]["filter"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Facets"];
            default: components["responses"]["Error"];
        };
    };
    QueryEntityFacetsByPredicate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    facets: string[];
                    query?: components["schemas"]["JsonObject"];
                };
            };
        };
        responses: {
            200: components["responses"]["Facets"];
            default: components["responses"]["Error"];
        };
    };
    GetLocations: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Locations */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        data: components["schemas"]["Location"];
                    }[];
                };
            };
            default: components["responses"]["Error"];
        };
    };
    CreateLocation: {
        parameters: {
            query?: {
                dryRun?: string;
                onConflict?: "refresh" | "reject";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    target: string;
                    type: string;
                };
            };
        };
        responses: {
            /** @description Registered, or tried */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        exists?: boolean;
                        location: components["schemas"]["Location"];
                        entities: components["schemas"]["Entity"][];
                    };
                };
            };
            default: components["responses"]["Error"];
        };
    };
    GetLocationsByQuery: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    cursor?: string;
                    limit?: number;
                    query?: components["schemas"]["JsonObject"];
                };
            };
        };
        responses: {
            /** @description A page of locations in the order of ids */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Location"][];
                        totalItems: number;
                        pageInfo: {
                            nextCursor?: string;
                        };
                    };
                };
            };
            default: components["responses"]["Error"];
        };
    };
    GetLocation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["parameters"]["id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Location"];
            default: components["responses"]["Error"];
        };
    };
    UpdateLocation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["parameters"]["id"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LocationInput"];
            };
        };
        responses: {
            200: components["responses"]["Location"];
            default: components["responses"]["Error"];
        };
    };
    DeleteLocation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["parameters"]["id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Removed with everything that only it brought */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Error"];
        };
    };
    getLocationByEntity: {
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
            200: components["responses"]["Location"];
            default: components["responses"]["Error"];
        };
    };
    AnalyzeLocation: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    catalogFileName?: string;
                    location: components["schemas"]["LocationInput"];
                };
            };
        };
        responses: {
            /** @description Existing files, and entities to begin with */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        existingEntityFiles: Record<string, never>[];
                        generateEntities: {
                            entity: components["schemas"]["EntityPart"];
                            fields: {
                                field: string;
                                /** @enum {string} */
                                state: "analysisSuggestedValue" | "analysisSuggestedNoValue" | "needsUserInput";
                                value: string | null;
                                description: string;
                            }[];
                        }[];
                    };
                };
            };
            default: components["responses"]["Error"];
        };
    };
    ValidateEntity: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description "url:<target>" */
                    location: string;
                    entity: {
                        [key: string]: unknown;
                    };
                };
            };
        };
        responses: {
            /** @description It would */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description It would not, for these reasons; or the request is malformed */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        errors?: {
                            name: string;
                            message: string;
                        }[];
                    };
                };
            };
            default: components["responses"]["Error"];
        };
    };
}
