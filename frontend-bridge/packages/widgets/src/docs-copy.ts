// Buttons that copy what is in a block of code.
import { action, copyButton } from './actions';
import type { Surface } from './modules';

export function copyButtons(within: Element, { language }: Surface) {
  for (const block of within.querySelectorAll<HTMLElement>('pre')) {
    if (block.previousElementSibling?.matches('[data-cb-copy]')) continue;
    const button = copyButton(block, language);
    button.className = 'cb-docs-copy';
    const what = block.getAttribute('aria-label');
    if (what) button.setAttribute('aria-label', `${action('copy', language)}: ${what}`);
    block.before(button);
  }
}
