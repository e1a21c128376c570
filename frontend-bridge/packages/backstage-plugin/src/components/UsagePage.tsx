import { useTranslationRef } from '@backstage/frontend-plugin-api';
import { callboardTranslationRef } from '../translation.js';
import { Failure, Panel } from './Panel.js';
import { Ranged } from './Ranged.js';
import { useEveryWidget } from './useWidgets.js';
import { WidgetGrid } from './WidgetGrid.js';

/** The widgets that are about the whole portal. */
export function UsagePage() {
  const { t } = useTranslationRef(callboardTranslationRef);
  const answer = useEveryWidget();
  if (answer.state === 'waiting') return null;
  if (answer.state === 'failed') return <Failure {...answer} />;
  const widgets = answer.value.filter(({ appliesTo, view }) => appliesTo === '' && view !== 'form');
  if (widgets.length === 0) return <p>{t('state.none')}</p>;
  return (
    <Ranged>
      {range => (
        <Panel>
          <WidgetGrid widgets={widgets} range={range} />
        </Panel>
      )}
    </Ranged>
  );
}
