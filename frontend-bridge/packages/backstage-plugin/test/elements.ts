// Stands in for the elements: what is under test is what they are given, and when.
class Probe extends HTMLElement {
  fetcher?: typeof fetch;

  refresh() {
    this.dataset.refreshed = String(Number(this.dataset.refreshed ?? 0) + 1);
  }

  connectedCallback() {
    this.dataset.fetcher = typeof this.fetcher;
    this.textContent = `${this.localName} ${this.getAttribute('name') ?? this.getAttribute('entity')}`;
  }
}

for (const name of ['callboard-widget', 'callboard-api-docs', 'callboard-access-request']) {
  if (!customElements.get(name)) customElements.define(name, class extends Probe {});
}
