// Made of server/internal/notifications/openapi.yaml by npm run generate.

export interface paths {
    "/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * @deprecated
         * @description As GET /notifications.
         */
        get: operations["ListNotificationsLegacy"];
        put?: never;
        /**
         * @deprecated
         * @description As POST /notifications.
         */
        post: operations["CreateNotificationsLegacy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/notifications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description The caller's notifications and the broadcasts. */
        get: operations["ListNotifications"];
        put?: never;
        /** @description Sends a notification. For services. */
        post: operations["CreateNotifications"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/update": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * @deprecated
         * @description As POST /notifications/update.
         */
        post: operations["UpdateNotificationsLegacy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/notifications/update": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** @description Marks notifications as read or unread, saved or not. */
        post: operations["UpdateNotifications"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description How many notifications the caller has, read and unread. */
        get: operations["GetStatus"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description What the caller wants to be notified of, together with the configured defaults. */
        get: operations["GetSettings"];
        put?: never;
        /** @description Replaces the caller's settings. */
        post: operations["UpdateSettings"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/topics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description The topics of the caller's notifications. */
        get: operations["GetTopics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * @deprecated
         * @description As GET /notifications/{id}.
         */
        get: operations["GetNotificationLegacy"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/notifications/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description One notification of the caller. */
        get: operations["GetNotification"];
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
        /** @enum {string} */
        Severity: "critical" | "high" | "normal" | "low";
        TextOrTexts: string | string[];
        Payload: {
            title: string;
            description?: string;
            /** @description Relative */
            link?: string;
            severity?: components["schemas"]["Severity"];
            topic?: string;
            /** @description A notification replaces the one of the same scope and origin. */
            scope?: string;
            icon?: string;
            metadata?: {
                [key: string]: unknown;
            };
        };
        StoredPayload: {
            title: string;
            description?: string | null;
            link?: string | null;
            severity?: components["schemas"]["Severity"];
            topic?: string | null;
            scope?: string | null;
            icon?: string | null;
            metadata?: {
                [key: string]: unknown;
            };
        };
        Notification: {
            id: string;
            /** @description The user's entity ref; null = a broadcast. */
            user: string | null;
            /** Format: date-time */
            created: string;
            /** Format: date-time */
            saved?: string | null;
            /** Format: date-time */
            read?: string | null;
            /** Format: date-time */
            updated?: string | null;
            /** @description The service that sent it. */
            origin: string;
            payload: components["schemas"]["StoredPayload"];
        };
        NotificationList: components["schemas"]["Notification"][];
        NotificationPage: {
            totalCount: number;
            notifications: components["schemas"]["NotificationList"];
        };
        Status: {
            unread: number;
            read: number;
        };
        Topics: {
            topics: string[];
        };
        TopicSetting: {
            id: string;
            enabled: boolean;
        };
        OriginSetting: {
            id: string;
            enabled: boolean;
            topics?: components["schemas"]["TopicSetting"][];
        };
        ChannelSetting: {
            id: string;
            enabled?: boolean;
            origins: components["schemas"]["OriginSetting"][];
        };
        Settings: {
            channels: components["schemas"]["ChannelSetting"][];
        };
        Recipients: {
            /** @enum {string} */
            type: "entity";
            entityRef: components["schemas"]["TextOrTexts"];
            excludeEntityRef?: components["schemas"]["TextOrTexts"];
        } | {
            /** @enum {string} */
            type: "broadcast";
        };
        SendRequest: {
            recipients: components["schemas"]["Recipients"];
            payload: components["schemas"]["Payload"];
        };
        UpdateRequest: {
            ids: string[];
            read?: boolean;
            saved?: boolean;
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
    parameters: {
        id: string;
        offset: number;
        limit: number;
        /** @description "field" or "field,asc" or "field,desc"; several for a compound order. */
        orderField: components["schemas"]["TextOrTexts"];
        topic: string;
        search: string;
        read: "true" | "false";
        saved: "true" | "false";
        createdAfter: string;
        minimumSeverity: components["schemas"]["Severity"];
    };
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    ListNotificationsLegacy: {
        parameters: {
            query?: {
                offset?: components["parameters"]["offset"];
                limit?: components["parameters"]["limit"];
                /** @description "field" or "field,asc" or "field,desc"; several for a compound order. */
                orderField?: components["parameters"]["orderField"];
                topic?: components["parameters"]["topic"];
                search?: components["parameters"]["search"];
                read?: components["parameters"]["read"];
                saved?: components["parameters"]["saved"];
                createdAfter?: components["parameters"]["createdAfter"];
                minimumSeverity?: components["parameters"]["minimumSeverity"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page of the caller's notifications. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NotificationPage"];
                };
            };
            default: components["responses"]["ErrorResponse"];
        };
    };
    CreateNotificationsLegacy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SendRequest"];
            };
        };
        responses: {
            /** @description What was created or updated. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NotificationList"];
                };
            };
            default: components["responses"]["ErrorResponse"];
        };
    };
    ListNotifications: {
        parameters: {
            query?: {
                offset?: components["parameters"]["offset"];
                limit?: components["parameters"]["limit"];
                /** @description "field" or "field,asc" or "field,desc"; several for a compound order. */
                orderField?: components["parameters"]["orderField"];
                topic?: components["parameters"]["topic"];
                search?: components["parameters"]["search"];
                read?: components["parameters"]["read"];
                saved?: components["parameters"]["saved"];
                createdAfter?: components["parameters"]["createdAfter"];
                minimumSeverity?: components["parameters"]["minimumSeverity"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page of the caller's notifications. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NotificationPage"];
                };
            };
            default: components["responses"]["ErrorResponse"];
        };
    };
    CreateNotifications: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SendRequest"];
            };
        };
        responses: {
            /** @description What was created or updated. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NotificationList"];
                };
            };
            default: components["responses"]["ErrorResponse"];
        };
    };
    UpdateNotificationsLegacy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateRequest"];
            };
        };
        responses: {
            /** @description The notifications as they are now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NotificationList"];
                };
            };
            default: components["responses"]["ErrorResponse"];
        };
    };
    UpdateNotifications: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateRequest"];
            };
        };
        responses: {
            /** @description The notifications as they are now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NotificationList"];
                };
            };
            default: components["responses"]["ErrorResponse"];
        };
    };
    GetStatus: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The counts. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Status"];
                };
            };
            default: components["responses"]["ErrorResponse"];
        };
    };
    GetSettings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The settings. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Settings"];
                };
            };
            default: components["responses"]["ErrorResponse"];
        };
    };
    UpdateSettings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Settings"];
            };
        };
        responses: {
            /** @description The settings. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Settings"];
                };
            };
            default: components["responses"]["ErrorResponse"];
        };
    };
    GetTopics: {
        parameters: {
            query?: {
                search?: components["parameters"]["search"];
                read?: components["parameters"]["read"];
                saved?: components["parameters"]["saved"];
                createdAfter?: components["parameters"]["createdAfter"];
                minimumSeverity?: components["parameters"]["minimumSeverity"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The topics. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Topics"];
                };
            };
            default: components["responses"]["ErrorResponse"];
        };
    };
    GetNotificationLegacy: {
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
            /** @description The notification. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Notification"];
                };
            };
            default: components["responses"]["ErrorResponse"];
        };
    };
    GetNotification: {
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
            /** @description The notification. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Notification"];
                };
            };
            default: components["responses"]["ErrorResponse"];
        };
    };
}
