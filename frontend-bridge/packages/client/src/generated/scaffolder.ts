// Made of server/internal/scaffolder/openapi.yaml by npm run generate.

export interface paths {
    "/v2/templates/{namespace}/{kind}/{name}/parameter-schema": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The form of a template
         * @description One step for each page of parameters that the caller may see.
         */
        get: operations["GetTemplateParameterSchema"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/actions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The installed actions with their schemas and examples, by id */
        get: operations["ListActions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/tasks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The tasks that the caller may see, newest first */
        get: operations["ListTasks"];
        put?: never;
        /**
         * Start a task
         * @description The values are checked against each page of parameters that the caller may see, the secrets against the template's own schema.
         */
        post: operations["Scaffold"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/tasks/{taskId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One task */
        get: operations["GetTask"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/tasks/{taskId}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask for the end of a task
         * @description The answer does not wait for it. A task that has ended stays as it is.
         */
        post: operations["CancelTask"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/tasks/{taskId}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Run a task that has ended once more, from where it failed */
        post: operations["Retry"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/tasks/{taskId}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What a task has told
         * @description Waits for the first event, but not longer than half a minute.
         */
        get: operations["StreamLogsPolling"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/tasks/{taskId}/eventstream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What a task tells, as it tells it
         * @description Ends after the completion. Each event has the type of the task's event as its name, and it as its data.
         */
        get: operations["StreamLogs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/dry-run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Run a template that is not registered, without effects outside of its workspace */
        post: operations["DryRun"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/autocomplete/{provider}/{resource}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Choices for a field of a form, asked of a host of repositories with the user's own token */
        post: operations["Autocomplete"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/templating-extensions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The filters and globals of the template language */
        get: operations["ListTemplatingExtensions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v2/triggers/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Start a template by a signed webhook
         * @description Needs no credentials but a signature of the body, as Standard Webhooks or GitHub make it, with a secret of the trigger. A delivery that comes again starts nothing and is answered with the task that it started.
         */
        post: operations["Trigger"];
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
        Error: {
            error: {
                name: string;
                message: string;
            };
            request?: Record<string, never>;
            response: Record<string, never>;
        };
        /** @description Texts by name. They are never answered. */
        Secrets: {
            [key: string]: string;
        };
        Action: {
            id: string;
            description?: string;
            examples?: {
                description?: string;
                /** @description YAML of steps. */
                example: string;
                notes?: string;
            }[];
            schema?: {
                input?: Record<string, never>;
                output?: Record<string, never>;
            };
        };
        TemplateParameterSchema: {
            title: string;
            description?: string;
            presentation?: Record<string, never>;
            "ui:options"?: Record<string, never>;
            formDecorators?: Record<string, never>[];
            steps: {
                title: string;
                description?: string;
                schema: Record<string, never>;
            }[];
        };
        /** @enum {string} */
        TaskStatus: "cancelled" | "completed" | "failed" | "open" | "processing" | "skipped";
        Task: {
            id: string;
            spec: Record<string, never>;
            status: components["schemas"]["TaskStatus"];
            createdAt: string;
            lastHeartbeatAt?: string;
            /** @description Entity ref of a user; absent when a service started the task. */
            createdBy?: string;
        };
        TaskEvent: {
            id: number;
            isTaskRecoverable?: boolean;
            taskId: string;
            body: {
                message?: string;
                stepId?: unknown;
                status?: string;
            };
            /** @enum {string} */
            type: "cancelled" | "completion" | "log" | "recovered";
            createdAt: string;
        };
        DryRunResult: {
            log: {
                body: {
                    message: string;
                };
            }[];
            directoryContents: {
                path: string;
                executable?: boolean;
                base64Content: string;
            }[];
            output: Record<string, never>;
            steps: Record<string, never>[];
        };
        Violation: {
            path: (string | number)[];
            property: string;
            message: string;
            schema?: unknown;
            instance?: unknown;
            name: string;
            argument?: unknown;
            stack: string;
        };
    };
    responses: {
        /** @description The id of the task */
        TaskId: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": {
                    id: string;
                };
            };
        };
        /** @description Values or secrets that do not fit their schemas; other mistakes come as an error */
        Violations: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] | {
                    errors: components["schemas"]["Violation"][];
                };
            };
        };
        /** @description What went wrong */
        Error: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
    };
    parameters: {
        taskId: string;
    };
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    GetTemplateParameterSchema: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                namespace: string;
                kind: string;
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The form */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TemplateParameterSchema"];
                };
            };
            default: components["responses"]["Error"];
        };
    };
    ListActions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Actions */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Action"][];
                };
            };
            default: components["responses"]["Error"];
        };
    };
    ListTasks: {
        parameters: {
            query?: {
                /** @description Entity refs of users. */
                createdBy?: string[];
                /** @description At most so many; all without it. */
                limit?: number;
                /** @description So many are passed over. */
                offset?: number;
                /** @description "asc" or "desc", a colon, and created_at, status or created_by. Of several the first one counts most. */
                order?: string[];
                status?: string[];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page, and how many there are in all */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        tasks: components["schemas"]["Task"][];
                        totalTasks: number;
                    };
                };
            };
            default: components["responses"]["Error"];
        };
    };
    Scaffold: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    templateRef: string;
                    values: {
                        [key: string]: unknown;
                    };
                    secrets?: components["schemas"]["Secrets"];
                };
            };
        };
        responses: {
            201: components["responses"]["TaskId"];
            400: components["responses"]["Violations"];
            default: components["responses"]["Error"];
        };
    };
    GetTask: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                taskId: components["parameters"]["taskId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The task */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
            default: components["responses"]["Error"];
        };
    };
    CancelTask: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                taskId: components["parameters"]["taskId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It was asked for */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        status?: components["schemas"]["TaskStatus"];
                    };
                };
            };
            default: components["responses"]["Error"];
        };
    };
    Retry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                taskId: components["parameters"]["taskId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    secrets?: components["schemas"]["Secrets"];
                };
            };
        };
        responses: {
            201: components["responses"]["TaskId"];
            400: components["responses"]["Violations"];
            default: components["responses"]["Error"];
        };
    };
    StreamLogsPolling: {
        parameters: {
            query?: {
                /** @description Only later events than the one with this id, and completions. */
                after?: number;
            };
            header?: never;
            path: {
                taskId: components["parameters"]["taskId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Events, oldest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TaskEvent"][];
                };
            };
            default: components["responses"]["Error"];
        };
    };
    StreamLogs: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                taskId: components["parameters"]["taskId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": unknown;
                };
            };
            default: components["responses"]["Error"];
        };
    };
    DryRun: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    template: Record<string, never>;
                    values: {
                        [key: string]: unknown;
                    };
                    secrets?: components["schemas"]["Secrets"];
                    /** @description The files beside the template. */
                    directoryContents: {
                        path?: string;
                        base64Content?: string;
                    }[];
                };
            };
        };
        responses: {
            /** @description What the run told and what it left */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DryRunResult"];
                };
            };
            400: components["responses"]["Violations"];
            default: components["responses"]["Error"];
        };
    };
    Autocomplete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                provider: string;
                resource: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    context: {
                        [key: string]: string;
                    };
                    token: string;
                };
            };
        };
        responses: {
            /** @description Choices */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        results: {
                            id: string;
                            title?: string;
                        }[];
                    };
                };
            };
            default: components["responses"]["Error"];
        };
    };
    ListTemplatingExtensions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Filters and globals by name */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        filters: {
                            [key: string]: Record<string, never>;
                        };
                        globals: {
                            functions: {
                                [key: string]: Record<string, never>;
                            };
                            values: {
                                [key: string]: Record<string, never>;
                            };
                        };
                    };
                };
            };
            default: components["responses"]["Error"];
        };
    };
    Trigger: {
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
            202: components["responses"]["TaskId"];
            default: components["responses"]["Error"];
        };
    };
}
