import { stringifyEntityRef } from '@backstage/catalog-model';
import { useTranslationRef } from '@backstage/frontend-plugin-api';
import { useEntity } from '@backstage/plugin-catalog-react';
import { useState } from 'react';
import { bySize, select, type Selection } from '../select.js';
import { callboardTranslationRef } from '../translation.js';
import { Button, Failure, Panel } from './Panel.js';
import { useWidgetsOf } from './useWidgets.js';
import { WidgetGrid } from './WidgetGrid.js';

export interface EntityWidgetsCardProps extends Selection {
  topic?: 'summary' | 'usage' | 'cost' | 'errors' | 'quality';
  /** Most widgets that need room, until the viewer asks for all (default: 4). */
  limit?: number;
}

/** The widgets that the host has for the entity of the page. There is no card when there are none. */
export function EntityWidgetsCard({ topic = 'summary', limit = 4, ...selection }: EntityWidgetsCardProps) {
  const { t } = useTranslationRef(callboardTranslationRef);
  const entityRef = stringifyEntityRef(useEntity().entity);
  const answer = useWidgetsOf(entityRef);
  const [all, setAll] = useState(false);
  if (answer.state === 'waiting') return null;
  if (answer.state === 'failed') {
    return (
      <Panel title={t(`card.${topic}`)}>
        <Failure {...answer} />
      </Panel>
    );
  }
  const widgets = select(answer.value, selection);
  const { small, large } = bySize(widgets);
  if (small.length + large.length === 0) return null;
  const more = large.length > limit && (
    <Button onClick={() => setAll(!all)}>{all ? t('card.showFewer') : t('card.showAll', { total: String(small.length + large.length) })}</Button>
  );
  return (
    <Panel title={t(`card.${topic}`)} actions={more}>
      <WidgetGrid widgets={widgets} entityRef={entityRef} limit={all ? undefined : limit} />
    </Panel>
  );
}
