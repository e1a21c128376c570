// <callboard-api-docs> and <callboard-docs>: documents of the host, read in place.
import { Content } from './content';
import { CallboardElement } from './element';
import { load, type Detach } from './modules';
import { whenSeen } from './visible';

class DocumentElement extends CallboardElement {
  #content: Content | undefined;
  #unseen: (() => void) | undefined;
  #detach: Detach | undefined;
  #shown: string | undefined;
  #run = 0;

  protected override about() {
    return this.getAttribute('entity') ?? '';
  }

  protected override start() {
    if (!this.#shown) (this.#content ??= new Content(this)).wait();
    if (this.#unseen) void this.#open();
    else this.#unseen = whenSeen(this, near => near && void this.#open());
    if (this.#detach) this.checkContrast();
  }

  protected override stop() {
    this.#unseen?.();
    this.#unseen = undefined;
    this.#close();
  }

  #close() {
    this.#run++;
    this.#detach?.();
    this.#detach = this.#shown = undefined;
  }

  async #open() {
    const said = ['entity', 'path', 'renderer', 'heading-level'].map(name => this.getAttribute(name));
    const key = JSON.stringify([this.session.id, this.language, said]);
    if (!this.about() || key === this.#shown) return;
    this.#close();
    this.#shown = key;
    const run = this.#run;
    try {
      const detach = await (await load('docs')).open(this);
      if (run !== this.#run) return detach();
      this.#detach = detach;
      this.addEventListener('callboard-ready', () => this.checkContrast(), { once: true });
    } catch (problem) {
      if (run !== this.#run) return;
      this.#shown = undefined;
      this.#content?.fail(this.say('offline'));
      this.dataset.status = 'error';
      this.fail('document', problem);
    }
  }
}

/** The description of an API: what there is to call, and how. */
export class CallboardApiDocs extends DocumentElement {
  static readonly observedAttributes = ['entity', 'renderer', 'theme', 'lang', 'heading-level', 'base', 'token-provider'];
}

/** The documentation of an entity. */
export class CallboardDocs extends DocumentElement {
  static readonly observedAttributes = ['entity', 'path', 'theme', 'lang', 'heading-level', 'base', 'token-provider'];
}
