// The few words that the core says itself: the host words all else, in the viewer's language.
export type Words<Word extends string> = { en: Record<Word, string> } & Record<string, Record<Word, string>>;

/** Says a word in a language, or in English. */
export function wordIn<Word extends string>(words: Words<Word>, word: Word, lang: string): string {
  return (words[lang.slice(0, 2).toLowerCase()] ?? words.en)[word];
}

export const core: Words<'loading' | 'offline' | 'signedOut' | 'retry'> = {
  en: { loading: 'Loading', offline: 'The portal does not answer.', signedOut: 'The session has ended.', retry: 'Try again' },
  de: { loading: 'Wird geladen', offline: 'Das Portal antwortet nicht.', signedOut: 'Die Sitzung ist zu Ende.', retry: 'Erneut versuchen' },
  es: { loading: 'Cargando', offline: 'El portal no responde.', signedOut: 'La sesión ha terminado.', retry: 'Reintentar' },
  fr: { loading: 'Chargement', offline: 'Le portail ne répond pas.', signedOut: 'La session est terminée.', retry: 'Réessayer' },
};
