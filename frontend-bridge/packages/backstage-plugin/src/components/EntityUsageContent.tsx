import { stringifyEntityRef } from '@backstage/catalog-model';
import { useTranslationRef } from '@backstage/frontend-plugin-api';
import { useEntity } from '@backstage/plugin-catalog-react';
import { select, type Selection } from '../select.js';
import { callboardTranslationRef } from '../translation.js';
import { CallboardElement } from './CallboardElement.js';
import { Failure, Panel } from './Panel.js';
import { Ranged } from './Ranged.js';
import { useWidgetsOf } from './useWidgets.js';
import { WidgetGrid } from './WidgetGrid.js';

/** Everything that is measured about the entity of the page, over a time that the viewer chooses, and its forms. */
export function EntityUsageContent(selection: Selection) {
  const { t } = useTranslationRef(callboardTranslationRef);
  const entityRef = stringifyEntityRef(useEntity().entity);
  const answer = useWidgetsOf(entityRef);
  if (answer.state === 'waiting') return null;
  if (answer.state === 'failed') return <Failure {...answer} />;
  const widgets = select(answer.value, selection);
  if (widgets.length === 0) return <p>{t('state.noneOfEntity')}</p>;
  return (
    <Ranged>
      {range => (
        <>
          <Panel>
            <WidgetGrid widgets={widgets} entityRef={entityRef} range={range} />
          </Panel>
          {widgets
            .filter(({ view }) => view === 'form')
            .map(({ id }) => (
              <Panel key={id}>
                <CallboardElement tag="callboard-widget" attributes={{ name: id, entity: entityRef, 'heading-level': 4 }} />
              </Panel>
            ))}
        </>
      )}
    </Ranged>
  );
}
