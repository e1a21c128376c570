import { useTranslationRef } from '@backstage/frontend-plugin-api';
import { isAccess } from '../select.js';
import { callboardTranslationRef } from '../translation.js';
import { Failure, PageBody, Panel } from './Panel.js';
import { Ranged } from './Ranged.js';
import { useEveryWidget } from './useWidgets.js';
import { WidgetGrid } from './WidgetGrid.js';

/** The widgets that are about the whole portal. */
export function UsagePage() {
  const { t } = useTranslationRef(callboardTranslationRef);
  const answer = useEveryWidget();
  if (answer.state === 'waiting') return null;
  if (answer.state === 'failed')
    return (
      <PageBody>
        <Failure {...answer} />
      </PageBody>
    );
  const widgets = answer.value.filter(widget => widget.appliesTo === '' && widget.view !== 'form' && !isAccess(widget));
  return (
    <PageBody>
      {widgets.length === 0 ? (
        t('state.none')
      ) : (
        <Ranged>
          {range => (
            <Panel>
              <WidgetGrid widgets={widgets} range={range} />
            </Panel>
          )}
        </Ranged>
      )}
    </PageBody>
  );
}
