import { z } from 'zod/v4';
/** Which widgets an extension shows, from the app's configuration. */
export declare const selectionSchema: {
    include: z.ZodOptional<z.ZodArray<z.ZodString>>;
    exclude: z.ZodOptional<z.ZodArray<z.ZodString>>;
};
/** Everything that the host has for the entity: what a plugin adds to the host tomorrow stands in it tomorrow. */
export declare const summaryCard: import("@backstage/frontend-plugin-api").OverridableExtensionDefinition<{
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
export declare const usageCard: import("@backstage/frontend-plugin-api").OverridableExtensionDefinition<{
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
export declare const costCard: import("@backstage/frontend-plugin-api").OverridableExtensionDefinition<{
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
export declare const errorsCard: import("@backstage/frontend-plugin-api").OverridableExtensionDefinition<{
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
export declare const qualityCard: import("@backstage/frontend-plugin-api").OverridableExtensionDefinition<{
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
