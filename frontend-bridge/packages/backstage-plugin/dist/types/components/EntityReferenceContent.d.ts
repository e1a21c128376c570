/** The reference of the API of the page, which the host makes of its description: OpenAPI, AsyncAPI, GraphQL or gRPC. */
export declare function EntityReferenceContent(): import("react").JSX.Element;
