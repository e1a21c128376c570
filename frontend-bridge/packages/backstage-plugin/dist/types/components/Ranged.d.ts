import { type ReactNode } from 'react';
/** A choice of the time that everything below is about. */
export declare function Ranged({ children }: {
    children(range: string): ReactNode;
}): import("react").JSX.Element;
