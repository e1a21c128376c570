import { createTranslationRef } from '@backstage/frontend-plugin-api';

/** Texts of this plugin's own; those of widgets come from the host in the viewer's language. */
export const callboardTranslationRef = createTranslationRef({
  id: 'callboard',
  messages: {
    card: {
      summary: 'At a glance',
      usage: 'Usage',
      cost: 'Cost',
      errors: 'Errors',
      quality: 'Quality',
      showAll: 'Show all {{total}}',
      showFewer: 'Show fewer',
    },
    range: { label: 'Time range', '24h': '24 hours', '7d': '7 days', '30d': '30 days', '90d': '90 days' },
    state: {
      failed: 'The host could not be asked: {{reason}}',
      retry: 'Try again',
      none: 'There is nothing to show here yet',
      noneOfEntity: 'No plugin has anything to show about this entity',
    },
    access: {
      keys: 'Your keys',
      request: 'Request access',
      api: 'API',
      choose: 'Choose an API',
      noApis: 'No API that you may see has a gateway in front of it',
    },
    plugins: { title: 'Plugins', name: 'Plugin', widgets: 'Widgets', view: 'Shown as', appliesTo: 'For', everywhere: 'the whole portal' },
  },
  translations: {
    de: () => import('./translations/de.js'),
    fr: () => import('./translations/fr.js'),
  },
});
