import { useTranslationRef } from '@backstage/frontend-plugin-api';
import type { WidgetInfo } from '../api.js';
import { callboardTranslationRef } from '../translation.js';
import { Panel } from './Panel.js';
import { WidgetsPage } from './WidgetsPage.js';

const cell = { borderTop: '1px solid var(--bui-border-1, currentColor)', padding: '8px 16px 8px 0', textAlign: 'start', verticalAlign: 'top' } as const;

/** What each plugin of the host shows, and of which entities. */
export function PluginsPage() {
  const { t } = useTranslationRef(callboardTranslationRef);
  return (
    <WidgetsPage of={() => true}>
      {widgets => (
        <Panel title={t('plugins.title')}>
          <Table widgets={widgets} />
        </Panel>
      )}
    </WidgetsPage>
  );
}

function Table({ widgets }: { widgets: WidgetInfo[] }) {
  const { t } = useTranslationRef(callboardTranslationRef);
  return (
    <table style={{ borderCollapse: 'collapse', width: '100%' }}>
      <thead>
        <tr>
          {(['name', 'widgets', 'view', 'appliesTo'] as const).map(key => (
            <th key={key} scope="col" style={{ ...cell, borderTop: 'none' }}>
              {t(`plugins.${key}`)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {byPlugin(widgets).map(([plugin, widgets]) => widgets.map((widget, i) => <Row key={widget.id} plugin={plugin} widget={widget} span={i === 0 ? widgets.length : 0} />))}
      </tbody>
    </table>
  );
}

function Row({ plugin, widget, span }: { plugin: string; widget: WidgetInfo; span: number }) {
  const { t } = useTranslationRef(callboardTranslationRef);
  return (
    <tr>
      {span > 0 && (
        <th scope="rowgroup" rowSpan={span} style={cell}>
          {plugin}
        </th>
      )}
      <td style={cell}>
        {widget.title}
        {widget.description && <div style={{ color: 'color-mix(in srgb, currentColor 70%, transparent)' }}>{widget.description}</div>}
      </td>
      <td style={cell}>{widget.view}</td>
      <td style={cell}>{widget.appliesTo ? <code>{widget.appliesTo}</code> : t('plugins.everywhere')}</td>
    </tr>
  );
}

function byPlugin(widgets: WidgetInfo[]): Array<[string, WidgetInfo[]]> {
  const plugins = new Map<string, WidgetInfo[]>();
  for (const widget of widgets) {
    const [plugin = ''] = widget.id.split('/');
    plugins.set(plugin, [...(plugins.get(plugin) ?? []), widget]);
  }
  return [...plugins].sort(([a], [b]) => a.localeCompare(b));
}
