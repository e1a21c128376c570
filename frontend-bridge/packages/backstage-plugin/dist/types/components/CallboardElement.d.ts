import '@callboard/widgets/register';
interface Props {
    /** `callboard-widget`, `callboard-api-docs`, … */
    tag: string;
    /** The attributes of the element; those that are undefined are left out. */
    attributes: Record<string, string | number | undefined>;
}
/**
 * One custom element of `@callboard/widgets`. It is made by hand, because React of versions before 19 connects an element
 * before it can have properties, and the element would ask the host without the app's credentials.
 */
export declare function CallboardElement({ tag, attributes }: Props): import("react").JSX.Element;
export {};
