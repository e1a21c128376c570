import { useTranslationRef } from '@backstage/frontend-plugin-api';
import type { ReactNode } from 'react';
import type { WidgetInfo } from '../api.js';
import { callboardTranslationRef } from '../translation.js';
import { below } from './layout.js';
import { Failure } from './Panel.js';
import { useEveryWidget } from './useWidgets.js';

interface Props {
  /** The widgets that the page is about. */
  of(widget: WidgetInfo): boolean;
  /** Draws them; it is not called for none. */
  children(widgets: WidgetInfo[]): ReactNode;
}

/** What stands on a page of its own, below a header. */
export function WidgetsPage(props: Props) {
  return (
    <div style={{ ...below, color: 'var(--bui-fg-primary, inherit)' }}>
      <Content {...props} />
    </div>
  );
}

function Content({ of, children }: Props) {
  const { t } = useTranslationRef(callboardTranslationRef);
  const answer = useEveryWidget();
  if (answer.state === 'waiting') return null;
  if (answer.state === 'failed') return <Failure {...answer} />;
  const widgets = answer.value.filter(of);
  return <>{widgets.length > 0 ? children(widgets) : t('state.none')}</>;
}
