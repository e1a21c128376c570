// callboard/1: what a page and a widget in a frame say to each other. The frame says hello to its parent without telling
// anything; the parent answers the window that it made, at the origin that it expects, with a port; all else goes through
// the port. Either side takes the other for hostile: messages are read into the shapes below, and unknown ones are ignored.

export const PROTOCOL = 1;

export interface Hello {
  nonce: string;
}

export interface Init {
  nonce: string;
  token?: string | undefined;
  expiresAt?: number | undefined;
  theme: string;
  tokens: Record<string, string>;
  lang: string;
  tz: string;
  /** Pixels; 0 = as high as the content. */
  maxHeight: number;
}

export type FromFrame =
  | { t: 'size'; h: number; w: number; seq: number }
  | { t: 'token'; refused: boolean }
  | { t: 'navigate'; href: string }
  | { t: 'event'; name: string; detail: unknown }
  | { t: 'error'; code: string; message: string }
  | { t: 'ready'; ms: number; status: string };

export type ToFrame =
  | { t: 'token'; token?: string | undefined; expiresAt?: number | undefined }
  | { t: 'theme'; theme: string; tokens: Record<string, string>; lang: string };

type Fields = Record<string, unknown>;

const fieldsOf = (data: unknown): Fields | undefined =>
  typeof data === 'object' && data !== null && !Array.isArray(data) ? (data as Fields) : undefined;
const text = (value: unknown, most: number): string | undefined => (typeof value === 'string' && value.length <= most ? value : undefined);
const number = (value: unknown): number | undefined => (typeof value === 'number' && Number.isFinite(value) ? value : undefined);

function greeting(data: unknown, t: string): Fields | undefined {
  const fields = fieldsOf(data);
  return fields?.callboard === PROTOCOL && fields.t === t ? fields : undefined;
}

function nonceOf(fields: Fields | undefined): string | undefined {
  const nonce = text(fields?.nonce, 64);
  return nonce && /^[\w-]{16,}$/.test(nonce) ? nonce : undefined;
}

export function readHello(data: unknown): Hello | undefined {
  const nonce = nonceOf(greeting(data, 'hello'));
  return nonce ? { nonce } : undefined;
}

export function readInit(data: unknown): Init | undefined {
  const fields = greeting(data, 'init');
  const nonce = nonceOf(fields);
  if (!fields || !nonce) return undefined;
  return {
    nonce,
    token: text(fields.token, 8192),
    expiresAt: number(fields.expiresAt),
    theme: text(fields.theme, 16) ?? 'auto',
    tokens: textsOf(fields.tokens),
    lang: text(fields.lang, 64) ?? '',
    tz: text(fields.tz, 64) ?? '',
    maxHeight: Math.max(0, number(fields.maxHeight) ?? 0),
  };
}

export function readFromFrame(data: unknown): FromFrame | undefined {
  const fields = fieldsOf(data);
  switch (fields?.t) {
    case 'size': {
      const [h, w, seq] = [number(fields.h), number(fields.w), number(fields.seq)];
      return h === undefined || w === undefined || seq === undefined || h < 0 || w < 0 ? undefined : { t: 'size', h, w, seq };
    }
    case 'token':
      return { t: 'token', refused: fields.refused === true };
    case 'navigate': {
      const href = text(fields.href, 2048);
      return href === undefined ? undefined : { t: 'navigate', href };
    }
    case 'event': {
      const name = text(fields.name, 32);
      return name === undefined ? undefined : { t: 'event', name, detail: fields.detail };
    }
    case 'error':
      return { t: 'error', code: text(fields.code, 32) ?? 'unknown', message: text(fields.message, 500) ?? '' };
    case 'ready':
      return { t: 'ready', ms: number(fields.ms) ?? 0, status: text(fields.status, 16) ?? 'ok' };
    default:
      return undefined;
  }
}

export function readToFrame(data: unknown): ToFrame | undefined {
  const fields = fieldsOf(data);
  switch (fields?.t) {
    case 'token':
      return { t: 'token', token: text(fields.token, 8192), expiresAt: number(fields.expiresAt) };
    case 'theme':
      return { t: 'theme', theme: text(fields.theme, 16) ?? 'auto', tokens: textsOf(fields.tokens), lang: text(fields.lang, 64) ?? '' };
    default:
      return undefined;
  }
}

function textsOf(value: unknown): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, said] of Object.entries(fieldsOf(value) ?? {}).slice(0, 64)) if (typeof said === 'string' && said.length <= 200) out[name] = said;
  return out;
}

/** A number that nobody guesses. */
export function nonce(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map(b => b.toString(16).padStart(2, '0')).join('');
}
