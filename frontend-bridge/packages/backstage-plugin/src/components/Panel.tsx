import { useTranslationRef } from '@backstage/frontend-plugin-api';
import type { CSSProperties, ReactNode } from 'react';
import { callboardTranslationRef } from '../translation.js';

const panel: CSSProperties = {
  background: 'var(--bui-bg-neutral-1, Canvas)',
  border: '1px solid var(--bui-border-1, color-mix(in srgb, currentColor 20%, transparent))',
  borderRadius: 'var(--bui-radius-3, 8px)',
  boxSizing: 'border-box',
  color: 'var(--bui-fg-primary, CanvasText)',
  fontFamily: 'var(--bui-font-regular, inherit)',
  fontSize: 'var(--bui-font-size-3, 14px)',
  padding: 16,
};

/** A card as the catalog's are, made of the app's tokens alone: remotes carry no copy of the app's components. */
export function Panel({ title, actions, children }: { title?: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <article style={panel}>
      {title && (
        <header style={{ alignItems: 'center', display: 'flex', gap: 8, justifyContent: 'space-between', marginBottom: 12 }}>
          <h3 style={{ fontSize: 'var(--bui-font-size-4, 16px)', fontWeight: 'var(--bui-font-weight-bold, 600)', margin: 0 } as CSSProperties}>{title}</h3>
          {actions}
        </header>
      )}
      {children}
    </article>
  );
}

const control: CSSProperties = {
  background: 'transparent',
  border: '1px solid var(--bui-border-2, currentColor)',
  borderRadius: 'var(--bui-radius-2, 4px)',
  color: 'inherit',
  cursor: 'pointer',
  font: 'inherit',
  minHeight: 32,
  padding: '4px 12px',
};

export function Button({ onClick, children }: { onClick(): void; children: ReactNode }) {
  return (
    <button type="button" style={control} onClick={onClick}>
      {children}
    </button>
  );
}

export function Choice({ label, value, options, onChange }: { label: string; value: string; options: Array<[value: string, text: string]>; onChange(value: string): void }) {
  return (
    <label style={{ alignItems: 'center', display: 'inline-flex', gap: 8 }}>
      {label}
      <select style={{ ...control, background: 'var(--bui-bg-neutral-1, Canvas)' }} value={value} onChange={event => onChange(event.target.value)}>
        {options.map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Says that the host could not be asked, and asks again. */
export function Failure({ error, retry }: { error: Error; retry(): void }) {
  const { t } = useTranslationRef(callboardTranslationRef);
  return (
    <div role="alert" style={{ alignItems: 'center', display: 'flex', flexWrap: 'wrap', gap: 12 }}>
      {t('state.failed', { reason: error.message })}
      <Button onClick={retry}>{t('state.retry')}</Button>
    </div>
  );
}
