import type { WidgetInfo } from '../api.js';
import { isAccess } from '../select.js';
import { Panel } from './Panel.js';
import { Ranged } from './Ranged.js';
import { WidgetGrid } from './WidgetGrid.js';
import { WidgetsPage } from './WidgetsPage.js';

const measured = (widget: WidgetInfo) => widget.appliesTo === '' && widget.view !== 'form' && !isAccess(widget);

/** The widgets that are about the whole portal. */
export function UsagePage() {
  return (
    <WidgetsPage of={measured}>
      {widgets => (
        <Ranged>
          {range => (
            <Panel>
              <WidgetGrid widgets={widgets} range={range} />
            </Panel>
          )}
        </Ranged>
      )}
    </WidgetsPage>
  );
}
