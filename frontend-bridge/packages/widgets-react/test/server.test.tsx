// @vitest-environment node
import { renderToString } from 'react-dom/server';
import { expect, test, vi } from 'vitest';
import { CallboardConfig, CallboardWidget } from '../src/index.js';

test('a server without a document renders elements, and React has nothing to complain of', () => {
  const complaints = vi.spyOn(console, 'error');
  const html = renderToString(
    <CallboardConfig base="https://portal.example">
      <CallboardWidget name="a/b">Cost</CallboardWidget>
    </CallboardConfig>,
  );
  expect(html).toBe('<callboard-config base="https://portal.example"><callboard-widget name="a/b">Cost</callboard-widget></callboard-config>');
  expect(complaints).not.toHaveBeenCalled();
});
