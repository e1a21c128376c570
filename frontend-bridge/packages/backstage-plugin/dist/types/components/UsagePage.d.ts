/** The widgets that are about the whole portal. */
export declare function UsagePage(): import("react").JSX.Element | null;
