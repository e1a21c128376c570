import type { ReactNode } from 'react';
/** A card as the catalog's are, made of the app's tokens alone: remotes carry no copy of the app's components. */
export declare function Panel({ title, actions, children }: {
    title?: string;
    actions?: ReactNode;
    children: ReactNode;
}): import("react").JSX.Element;
export declare function Button({ onClick, children }: {
    onClick(): void;
    children: ReactNode;
}): import("react").JSX.Element;
export declare function Choice({ label, value, options, onChange }: {
    label: string;
    value: string;
    options: Array<[value: string, text: string]>;
    onChange(value: string): void;
}): import("react").JSX.Element;
/** Says that the host could not be asked, and asks again. */
export declare function Failure({ error, retry }: {
    error: Error;
    retry(): void;
}): import("react").JSX.Element;
