// Types and functions for wrappers of the elements. Nothing is defined by importing this; './register' does that.
export { tagOf, type Name } from './define';
export { CONTRACT } from './element';
export { tokenNames } from './theme';
export { TokenError, TokenSource, type TokenAnswer, type TokenProvider } from './token';
export type { Fetcher } from './session';
export type * from './types';
