import { useTranslationRef } from '@backstage/frontend-plugin-api';
import { useState, type ReactNode } from 'react';
import { callboardTranslationRef } from '../translation.js';
import { below } from './layout.js';
import { Choice } from './Panel.js';

const ranges = ['24h', '7d', '30d', '90d'] as const;

/** A choice of the time that everything below is about. */
export function Ranged({ children }: { children(range: string): ReactNode }) {
  const { t } = useTranslationRef(callboardTranslationRef);
  const [range, setRange] = useState<string>('30d');
  return (
    <div style={below}>
      <div style={{ textAlign: 'end' }}>
        <Choice label={t('range.label')} value={range} options={ranges.map(one => [one, t(`range.${one}`)])} onChange={setRange} />
      </div>
      {children(range)}
    </div>
  );
}
