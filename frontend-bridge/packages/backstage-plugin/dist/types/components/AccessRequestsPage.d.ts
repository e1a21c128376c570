/** The viewer's keys for APIs, and the request for another one. */
export declare function AccessRequestsPage(): import("react").JSX.Element | null;
