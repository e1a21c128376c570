// <callboard-access-request>: the form with which somebody asks for access to an API.
import { CallboardWidget } from './widget';

export class CallboardAccessRequest extends CallboardWidget {
  static override readonly observedAttributes = [...CallboardWidget.observedAttributes, 'api'];

  override get widgetId(): string {
    return this.getAttribute('name') ?? 'gateway/request';
  }

  override get entityRef(): string | undefined {
    return this.getAttribute('api') || super.entityRef;
  }
}
