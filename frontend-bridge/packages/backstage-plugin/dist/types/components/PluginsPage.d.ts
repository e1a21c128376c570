/** What each plugin of the host shows, and of which entities. */
export declare function PluginsPage(): import("react").JSX.Element | null;
