import { CATALOG_FILTER_EXISTS } from '@backstage/catalog-client';
import { stringifyEntityRef } from '@backstage/catalog-model';
import { useApi, useTranslationRef } from '@backstage/frontend-plugin-api';
import { catalogApiRef } from '@backstage/plugin-catalog-react';
import { useCallback, useEffect, useState } from 'react';
import type { WidgetInfo } from '../api.js';
import { isAccess } from '../select.js';
import { callboardTranslationRef } from '../translation.js';
import { CallboardElement } from './CallboardElement.js';
import { below, beside } from './layout.js';
import { Choice, Failure, Panel } from './Panel.js';
import { useHost } from './useWidgets.js';
import { WidgetsPage } from './WidgetsPage.js';

// APIs that a gateway stands in front of carry it.
const gatewayAnnotation = 'metadata.annotations.callboard.dev/gateway-api';

/** The viewer's keys for APIs, what can be done with them, and requests for more. */
export function AccessRequestsPage() {
  return <WidgetsPage of={isAccess}>{widgets => <KeysAndForms widgets={widgets} />}</WidgetsPage>;
}

function KeysAndForms({ widgets }: { widgets: WidgetInfo[] }) {
  const { t } = useTranslationRef(callboardTranslationRef);
  const refreshing = useRefreshAfterSubmit();
  const own = widgets.filter(({ appliesTo }) => appliesTo === '');
  const forms = widgets.filter(({ appliesTo, view }) => appliesTo !== '' && view === 'form').sort(requestFirst);
  return (
    <div ref={refreshing} style={below}>
      {own.length > 0 && (
        <Panel title={t('access.keys')}>
          <Widgets of={own} />
        </Panel>
      )}
      {forms.length > 0 && (
        <Panel title={t('access.request')}>
          <OfOneApi forms={forms} />
        </Panel>
      )}
    </div>
  );
}

// Access is asked for before there is a key.
const requestFirst = (a: WidgetInfo, b: WidgetInfo) => Number(b.id === 'gateway/request') - Number(a.id === 'gateway/request');

// What there is, over the whole width; then forms, side by side where there is room.
function Widgets({ of, entityRef }: { of: WidgetInfo[]; entityRef?: string }) {
  const shown = (forms: boolean) =>
    of
      .filter(({ view }) => (view === 'form') === forms)
      .map(({ id }) => <CallboardElement key={id} tag="callboard-widget" attributes={{ name: id, entity: entityRef, 'heading-level': 4 }} />);
  return (
    <>
      {shown(false)}
      <div style={beside(400)}>{shown(true)}</div>
    </>
  );
}

// The forms that are about an API, for the one that the viewer chooses.
function OfOneApi({ forms }: { forms: WidgetInfo[] }) {
  const { t } = useTranslationRef(callboardTranslationRef);
  const catalog = useApi(catalogApiRef);
  const [chosen, setChosen] = useState('');
  const ask = useCallback(async () => {
    const { items } = await catalog.getEntities({
      filter: { kind: 'api', [gatewayAnnotation]: CATALOG_FILTER_EXISTS },
      fields: ['kind', 'metadata.name', 'metadata.namespace', 'metadata.title'],
    });
    return items.map(entity => [stringifyEntityRef(entity), entity.metadata.title ?? entity.metadata.name] as [string, string]).sort(([, a], [, b]) => a.localeCompare(b));
  }, [catalog]);
  const answer = useHost(ask);
  if (answer.state === 'waiting') return null;
  if (answer.state === 'failed') return <Failure {...answer} />;
  if (answer.value.length === 0) return <p>{t('access.noApis')}</p>;
  return (
    <div style={below}>
      <Choice label={t('access.api')} value={chosen} options={[['', t('access.choose')], ...answer.value]} onChange={setChosen} />
      {chosen && <Widgets key={chosen} of={forms} entityRef={chosen} />}
    </div>
  );
}

// What one form did is shown by the other widgets: they ask again.
function useRefreshAfterSubmit() {
  const [page, setPage] = useState<HTMLElement | null>(null);
  useEffect(() => {
    const refresh = ({ target }: Event) => {
      for (const element of page?.querySelectorAll<HTMLElement & { refresh?(): void }>('callboard-widget') ?? []) if (element !== target) element.refresh?.();
    };
    page?.addEventListener('callboard-submit', refresh);
    return () => page?.removeEventListener('callboard-submit', refresh);
  }, [page]);
  return setPage;
}
