import { EntityContentBlueprint } from '@backstage/plugin-catalog-react/alpha';
import { selectionSchema } from './cards.js';

/** The reference of an API, of whatever format. */
export const referenceContent = EntityContentBlueprint.make({
  name: 'reference',
  params: {
    path: 'reference',
    title: 'Reference',
    group: 'documentation',
    filter: { kind: 'api' },
    loader: async () => {
      const { EntityReferenceContent } = await import('./components/EntityReferenceContent.js');
      return <EntityReferenceContent />;
    },
  },
});

/** All widgets of an entity over a time that the viewer chooses. */
export const usageContent = EntityContentBlueprint.makeWithOverrides({
  name: 'usage',
  configSchema: selectionSchema,
  factory: (original, { config }) =>
    original({
      path: 'usage',
      title: 'Usage',
      group: 'observability',
      filter: { kind: { $in: ['api', 'component', 'domain', 'group', 'resource', 'system', 'user'] } },
      loader: async () => {
        const { EntityUsageContent } = await import('./components/EntityUsageContent.js');
        return <EntityUsageContent include={config.include} exclude={config.exclude} />;
      },
    }),
});
