// <callboard-badge>: the last value of a widget in one line.
import { AnswerError, widgetPath } from './batch';
import { CallboardElement } from './element';
import { follow } from './links';
import { Refresh } from './refresh';
import { whenSeen } from './visible';

const badgeStyle = `:host{display:inline-block;vertical-align:middle}.cb-body{min-width:80px;min-height:20px}.cb-body svg{display:block}`;

export class CallboardBadge extends CallboardElement {
  static readonly observedAttributes = ['name', 'entity', 'theme', 'lang', 'base', 'token-provider'];
  #leave: (() => void)[] = [];
  #refresh: Refresh | undefined;
  #near = false;
  #asked: string | undefined;

  protected override get extraStyle() {
    return badgeStyle;
  }

  protected override about() {
    return this.getAttribute('name') ?? '';
  }

  protected override start() {
    if (this.#leave.length === 0) {
      const click = (event: Event) => follow(event, this);
      this.root.addEventListener('click', click);
      this.#refresh = new Refresh(() => this.refresh());
      this.#leave.push(
        () => this.root.removeEventListener('click', click),
        whenSeen(this, near => {
          this.#near = near;
          this.#refresh?.near(near);
          void this.#ask();
        }),
      );
    }
    if (!this.body.firstChild) this.body.append(document.createElement('slot'));
    void this.#ask();
  }

  protected override stop() {
    for (const leave of this.#leave.splice(0)) leave();
    this.#refresh?.stop();
    this.#refresh = undefined;
    this.#near = false;
    this.#asked = undefined;
  }

  refresh() {
    this.#asked = undefined;
    void this.#ask();
  }

  async #ask() {
    const name = this.getAttribute('name');
    if (!this.#near || !name || !this.ready) return;
    const query = new URLSearchParams({ lang: this.language });
    const entity = this.getAttribute('entity');
    if (entity) query.set('entityRef', entity);
    const path = `/api/widgets/v1/badge/${widgetPath(name)}.svg?${query}`;
    if (path === this.#asked) return;
    this.#asked = path;
    try {
      const answer = await this.session.send(path);
      if (!answer.ok) throw new AnswerError(answer.status, `the host answers ${answer.status}`);
      const svg = await answer.text();
      if (this.#asked !== path) return;
      this.body.replaceChildren(this.nodes(svg));
      this.#refresh?.after(Number(/max-age=(\d+)/.exec(answer.headers.get('Cache-Control') ?? '')?.[1] ?? 0));
      this.tell('ready', { id: name, status: 'ok', ms: 0 });
    } catch (problem) {
      if (this.#asked !== path) return;
      this.#refresh?.afterFailure(problem instanceof AnswerError ? problem.retryAfter : 0);
      this.fail('badge', problem, problem instanceof AnswerError ? problem.status : 0);
    }
  }
}
