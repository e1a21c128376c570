import type { WidgetInfo } from '../api.js';
import { bySize } from '../select.js';
import { CallboardElement } from './CallboardElement.js';
import { below, beside } from './layout.js';

interface Props {
  widgets: WidgetInfo[];
  entityRef?: string;
  /** A range that the elements know, `30d`; each widget's own unless set. */
  range?: string;
  /** Most of those that need room. */
  limit?: number;
}

/** Numbers first, side by side, then what needs room. */
export function WidgetGrid({ widgets, entityRef, range, limit }: Props) {
  const { small, large } = bySize(widgets);
  const shown = (some: WidgetInfo[]) =>
    some.map(({ id }) => <CallboardElement key={id} tag="callboard-widget" attributes={{ name: id, entity: entityRef, range, 'heading-level': 4 }} />);
  return (
    <div style={below}>
      {small.length > 0 && <div style={beside(180)}>{shown(small)}</div>}
      {large.length > 0 && <div style={beside(340)}>{shown(large.slice(0, limit))}</div>}
    </div>
  );
}
