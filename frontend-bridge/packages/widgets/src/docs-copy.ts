// Buttons that copy what is in a block of code.
import { action, copyButton } from './actions';
import type { Surface } from './modules';

/** In the upper corner of the block that follows, at the end of its lines. */
const corner: Partial<CSSStyleDeclaration> = {
  display: 'block',
  position: 'relative',
  zIndex: '1',
  marginBlock: '0 -46px',
  marginInline: 'auto 8px',
  insetBlockStart: '6px',
};

export function copyButtons(within: Element, { language }: Surface) {
  for (const block of within.querySelectorAll<HTMLElement>('pre')) {
    if (block.previousElementSibling?.matches('[data-cb-copy]')) continue;
    const button = copyButton(block, language);
    button.className = 'cb-docs-copy';
    const what = block.getAttribute('aria-label');
    if (what) button.setAttribute('aria-label', `${action('copy', language)}: ${what}`);
    Object.assign(button.style, corner);
    block.before(button);
  }
}
