// Tokens as the elements of @callboard/widgets get them: one source for both, so that a page asks once.
export { TokenError, TokenSource, type TokenAnswer, type TokenProvider } from '@callboard/widgets';
