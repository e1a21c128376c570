import { CATALOG_FILTER_EXISTS } from '@backstage/catalog-client';
import { stringifyEntityRef } from '@backstage/catalog-model';
import { useApi, useTranslationRef } from '@backstage/frontend-plugin-api';
import { catalogApiRef } from '@backstage/plugin-catalog-react';
import { useCallback, useState } from 'react';
import { isAccess } from '../select.js';
import { callboardTranslationRef } from '../translation.js';
import { CallboardElement } from './CallboardElement.js';
import { Choice, Failure, PageBody, Panel } from './Panel.js';
import { useEveryWidget, useHost } from './useWidgets.js';

// APIs that a gateway stands in front of carry it.
const gatewayAnnotation = 'metadata.annotations.callboard.dev/gateway-api';

/** The viewer's keys for APIs, and the request for another one. */
export function AccessRequestsPage() {
  const { t } = useTranslationRef(callboardTranslationRef);
  const answer = useEveryWidget();
  if (answer.state === 'waiting') return null;
  if (answer.state === 'failed')
    return (
      <PageBody>
        <Failure {...answer} />
      </PageBody>
    );
  const widgets = answer.value.filter(isAccess);
  const keys = widgets.filter(({ appliesTo }) => appliesTo === '');
  const form = widgets.find(({ view }) => view === 'form');
  return (
    <PageBody>
      {widgets.length === 0 && t('state.none')}
      {keys.length > 0 && (
        <Panel title={t('access.keys')}>
          {keys.map(({ id }) => (
            <CallboardElement key={id} tag="callboard-widget" attributes={{ name: id, 'heading-level': 4 }} />
          ))}
        </Panel>
      )}
      {form && (
        <Panel title={t('access.request')}>
          <RequestOfAccess form={form.id} />
        </Panel>
      )}
    </PageBody>
  );
}

function RequestOfAccess({ form }: { form: string }) {
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
    <div style={{ display: 'grid', gap: 16 }}>
      <Choice label={t('access.api')} value={chosen} options={[['', t('access.choose')], ...answer.value]} onChange={setChosen} />
      {chosen && <CallboardElement key={chosen} tag="callboard-access-request" attributes={{ name: form, api: chosen }} />}
    </div>
  );
}
