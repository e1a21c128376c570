// What buttons say that scripts add to the host's fragments.
import { wordIn, type Words } from './strings';

export type Action = 'copy' | 'copied' | 'sendIt' | 'cancel' | 'changes' | 'tooLarge';

const words: Words<Action> = {
  en: { copy: 'Copy', copied: 'Copied', sendIt: 'Send it', cancel: 'Cancel', changes: 'This changes something. Send it?', tooLarge: 'At most # can be sent.' },
  de: { copy: 'Kopieren', copied: 'Kopiert', sendIt: 'Senden', cancel: 'Abbrechen', changes: 'Das ändert etwas. Senden?', tooLarge: 'Höchstens # können gesendet werden.' },
  es: { copy: 'Copiar', copied: 'Copiado', sendIt: 'Enviar', cancel: 'Cancelar', changes: 'Esto cambia algo. ¿Enviarlo?', tooLarge: 'Se pueden enviar # como máximo.' },
  fr: { copy: 'Copier', copied: 'Copié', sendIt: 'Envoyer', cancel: 'Annuler', changes: 'Cela change quelque chose. Envoyer ?', tooLarge: '# au plus peuvent être envoyés.' },
};

export const action = (word: Action, lang: string) => wordIn(words, word, lang);

const SHOWN = 2000;

/** A button that copies the text of an element. */
export function copyButton(of: HTMLElement, lang: string): HTMLButtonElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.dataset.cbCopy = '';
  button.textContent = action('copy', lang);
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(of.textContent ?? '');
    } catch {
      // Frames and pages without TLS may not write there: what is selected can be copied by hand.
      getSelection()?.selectAllChildren(of);
      return;
    }
    button.textContent = action('copied', lang);
    setTimeout(() => (button.textContent = action('copy', lang)), SHOWN);
  });
  return button;
}
