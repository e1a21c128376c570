// A client of a host, with the types of its own descriptions. An answer is what was asked for; everything else is thrown.
import { TokenSource, type Fetcher, type TokenProvider } from '@callboard/widgets';
import createClient, { type FetchResponse, type MaybeOptionalInit } from 'openapi-fetch';
import { CallboardError } from './error.js';
import type { paths as ApiDocs } from './generated/api-docs.js';
import type { paths as Catalog } from './generated/catalog.js';
import type { paths as Notifications } from './generated/notifications.js';
import type { paths as Scaffolder } from './generated/scaffolder.js';
import type { paths as Search } from './generated/search.js';
import type { paths as Widgets } from './generated/widgets.js';

export { CallboardError } from './error.js';
export type { ApiDocs, Catalog, Notifications, Scaffolder, Search, Widgets };
export type { Fetcher, TokenAnswer, TokenProvider } from '@callboard/widgets';

export interface ClientOptions {
  /** The address of the host, without /api. */
  base: string;
  /** A function that gets tokens, or the address of the page's own backend that answers them. */
  tokenProvider?: string | TokenProvider | TokenSource;
  /** What answers requests instead of fetch and brings its own credentials, such as Backstage's fetchApi. */
  fetcher?: Fetcher;
}

type Media = `${string}/${string}`;

/** What is asked: parameters and a body, which may be left out where none is required. */
type Init<I> = undefined extends I ? [init?: I] : [init: I];

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

type PathsWith<Paths, M extends Method> = { [P in keyof Paths]: Paths[P] extends Record<M, object> ? P : never }[keyof Paths];

/** Asks for a path of an API by one method; the answer is the body of a success. */
type Ask<Paths extends object, M extends Method> = <P extends PathsWith<Paths, M>, I extends MaybeOptionalInit<Paths[P], M & keyof Paths[P]>>(
  path: P,
  ...init: Init<I>
) => Promise<Body<Paths[P], M, I>>;

type Body<Item, M extends Method, I> = Item extends Record<M, infer Operation extends Record<string | number, any>>
  ? Exclude<FetchResponse<Operation, I, Media>['data'], undefined>
  : never;

/** The methods of one API. */
export interface Api<Paths extends object> {
  get: Ask<Paths, 'get'>;
  post: Ask<Paths, 'post'>;
  put: Ask<Paths, 'put'>;
  patch: Ask<Paths, 'patch'>;
  delete: Ask<Paths, 'delete'>;
}

export interface CallboardClient {
  apiDocs: Api<ApiDocs>;
  catalog: Api<Catalog>;
  notifications: Api<Notifications>;
  scaffolder: Api<Scaffolder>;
  search: Api<Search>;
  widgets: Api<Widgets>;
  /** An API of a plugin, with types that openapi-typescript makes of its description. */
  plugin<Paths extends object>(id: string): Api<Paths>;
}

/** Makes a client. It keeps nothing but the token that it was given last. */
export function createCallboardClient({ base, tokenProvider, fetcher }: ClientOptions): CallboardClient {
  const root = base.replace(/\/+$/, '');
  const send = fetcher ? (request: Request) => fetched(fetcher, request) : authorizing(tokenProvider);
  const plugin = <Paths extends object>(id: string) => apiOf<Paths>(`${root}/api/${encodeURIComponent(id)}`, send);
  return {
    apiDocs: plugin('api-docs'), catalog: plugin('catalog'), notifications: plugin('notifications'), scaffolder: plugin('scaffolder'),
    search: plugin('search'), widgets: plugin('widgets'), plugin,
  };
}

type Send = (request: Request) => Promise<Response>;

function apiOf<Paths extends object>(baseUrl: string, fetch: Send): Api<Paths> {
  const client = createClient<Record<string, Record<string, never>>>({ baseUrl, fetch });
  client.use({
    async onResponse({ response }) {
      if (!response.ok) throw await CallboardError.of(response);
    },
  });
  const ask = (method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE') => async (path: string, init?: object) =>
    (await (client[method] as (path: string, init?: object) => Promise<{ data?: unknown }>)(path, init)).data;
  return { get: ask('GET'), post: ask('POST'), put: ask('PUT'), patch: ask('PATCH'), delete: ask('DELETE') } as Api<Paths>;
}

/** Sends a request with a token. One that the host refuses is replaced once. */
function authorizing(provider: string | TokenProvider | TokenSource | undefined): Send {
  if (!provider) return request => fetch(request);
  const tokens = provider instanceof TokenSource ? provider : new TokenSource(provider);
  return async request => {
    const again = request.clone();
    const token = await tokens.get();
    const answer = await fetch(authorized(request, token));
    if (answer.status !== 401) return answer;
    await answer.body?.cancel();
    return fetch(authorized(again, await tokens.after(token)));
  };
}

function authorized(request: Request, token: string): Request {
  const headers = new Headers(request.headers);
  headers.set('Authorization', `Bearer ${token}`);
  return new Request(request, { headers, credentials: 'omit' });
}

async function fetched(fetcher: Fetcher, request: Request): Promise<Response> {
  const body = request.body ? await request.arrayBuffer() : undefined;
  return fetcher(request.url, { method: request.method, headers: request.headers, signal: request.signal, ...(body && { body }) });
}
