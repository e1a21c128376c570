import { createApiRef, type DiscoveryApi, type FetchApi } from '@backstage/frontend-plugin-api';

/** What the host says of a widget. */
export interface WidgetInfo {
  /** `<plugin>/<widget>`, which elements take as `name`. */
  id: string;
  title: string;
  description?: string;
  /** stat, line, table, form, … */
  view: string;
  /** The filter of entities that it is for; empty for one that is about no entity. */
  appliesTo: string;
}

/** A Callboard host, as this plugin needs it. */
export interface CallboardApi {
  /** What stands in front of the host's `/api`. */
  getBaseUrl(): Promise<string>;
  /** Asks the host in the name of who is signed in. */
  fetch: typeof fetch;
  /** The widgets that are for an entity and that the viewer may see; none for an entity that they may not read. */
  widgetsOf(entityRef: string): Promise<WidgetInfo[]>;
  /** Every widget that is installed. */
  widgets(): Promise<WidgetInfo[]>;
}

export const callboardApiRef = createApiRef<CallboardApi>().with({ id: 'plugin.callboard.client', pluginId: 'callboard' });

/** What the portal's policy is asked before the page of plugins is shown. */
export const pluginsReadPermission = { type: 'basic', name: 'callboard.plugins.read', attributes: {} } as const;

// Cards of one page ask for the same list at the same time.
const shareFor = 10_000;

export class CallboardClient implements CallboardApi {
  readonly fetch: typeof fetch;
  readonly #discoveryApi: DiscoveryApi;
  readonly #asked = new Map<string, { at: number; widgets: Promise<WidgetInfo[]> }>();

  constructor(options: { discoveryApi: DiscoveryApi; fetchApi: FetchApi }) {
    this.#discoveryApi = options.discoveryApi;
    this.fetch = (input, init) => options.fetchApi.fetch(input as RequestInfo, init);
  }

  async getBaseUrl(): Promise<string> {
    return (await this.#discoveryApi.getBaseUrl('widgets')).replace(/\/api\/widgets\/?$/, '');
  }

  widgetsOf(entityRef: string): Promise<WidgetInfo[]> {
    const parts = /^([^:/]+):([^:/]+)\/([^:/]+)$/.exec(entityRef);
    if (!parts) return Promise.reject(new TypeError(`not a full entity ref: ${entityRef}`));
    return this.#list(`/entities/${parts.slice(1).map(encodeURIComponent).join('/')}`);
  }

  widgets(): Promise<WidgetInfo[]> {
    return this.#list('/catalog');
  }

  #list(path: string): Promise<WidgetInfo[]> {
    const now = Date.now();
    for (const [key, { at }] of this.#asked) if (now - at > shareFor) this.#asked.delete(key);
    const asked = this.#asked.get(path);
    if (asked) return asked.widgets;
    const widgets = this.#ask(path);
    this.#asked.set(path, { at: now, widgets });
    widgets.catch(() => this.#asked.delete(path));
    return widgets;
  }

  async #ask(path: string): Promise<WidgetInfo[]> {
    const url = `${await this.#discoveryApi.getBaseUrl('widgets')}/v1${path}`;
    const response = await this.fetch(url, { headers: { accept: 'application/json' } });
    // Not found is also what the host says of entities that the viewer may not read.
    if (response.status === 404 || response.status === 403) return [];
    const body: unknown = await response.json().catch(() => undefined);
    if (!response.ok) throw new Error((body as { error?: { message?: string } })?.error?.message ?? `the host answered ${response.status}`);
    return (body as { widgets?: WidgetInfo[] } | undefined)?.widgets ?? [];
  }
}
