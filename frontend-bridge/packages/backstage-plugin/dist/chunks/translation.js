import { createApiRef, createTranslationRef } from "@backstage/frontend-plugin-api";
const callboardApiRef = createApiRef().with({ id: "plugin.callboard.client", pluginId: "callboard" });
const shareFor = 1e4;
class CallboardClient {
  fetch;
  #discoveryApi;
  #asked = /* @__PURE__ */ new Map();
  constructor(options) {
    this.#discoveryApi = options.discoveryApi;
    this.fetch = (input, init) => options.fetchApi.fetch(input, init);
  }
  async getBaseUrl() {
    return (await this.#discoveryApi.getBaseUrl("widgets")).replace(/\/api\/widgets\/?$/, "");
  }
  widgetsOf(entityRef) {
    const parts = /^([^:/]+):([^:/]+)\/([^:/]+)$/.exec(entityRef);
    if (!parts) return Promise.reject(new TypeError(`not a full entity ref: ${entityRef}`));
    return this.#list(`/entities/${parts.slice(1).map(encodeURIComponent).join("/")}`);
  }
  widgets() {
    return this.#list("/catalog");
  }
  #list(path) {
    const now = Date.now();
    for (const [key, { at }] of this.#asked) if (now - at > shareFor) this.#asked.delete(key);
    const asked = this.#asked.get(path) ?? { at: now, widgets: this.#ask(path) };
    this.#asked.set(path, asked);
    asked.widgets.catch(() => this.#asked.delete(path));
    return asked.widgets;
  }
  async #ask(path) {
    const url = `${await this.#discoveryApi.getBaseUrl("widgets")}/v1${path}`;
    const response = await this.fetch(url, { headers: { accept: "application/json" } });
    if (response.status === 404 || response.status === 403) return [];
    const body = await response.json().catch(() => void 0);
    if (!response.ok) throw new Error(body?.error?.message ?? `the host answered ${response.status}`);
    return body?.widgets ?? [];
  }
}
const callboardTranslationRef = createTranslationRef({
  id: "callboard",
  messages: {
    card: {
      summary: "At a glance",
      usage: "Usage",
      cost: "Cost",
      errors: "Errors",
      quality: "Quality",
      showAll: "Show all {{total}}",
      showFewer: "Show fewer"
    },
    range: { label: "Time range", "24h": "24 hours", "7d": "7 days", "30d": "30 days", "90d": "90 days" },
    state: {
      failed: "The host could not be asked: {{reason}}",
      retry: "Try again",
      none: "There is nothing to show here yet",
      noneOfEntity: "No plugin has anything to show about this entity"
    },
    access: {
      keys: "Your keys",
      request: "Request access",
      api: "API",
      choose: "Choose an API",
      noApis: "No API that you may see has a gateway in front of it"
    },
    plugins: { title: "Plugins", name: "Plugin", widgets: "Widgets", view: "Shown as", appliesTo: "For", everywhere: "the whole portal" }
  },
  translations: {
    de: () => import("./de.js"),
    fr: () => import("./fr.js")
  }
});
export {
  CallboardClient as C,
  callboardTranslationRef as a,
  callboardApiRef as c
};
