import { EntityCardBlueprint } from '@backstage/plugin-catalog-react/alpha';
import { z } from 'zod/v4';
import type { EntityWidgetsCardProps } from './components/EntityWidgetsCard.js';

/** Which widgets an extension shows, from the app's configuration. */
export const selectionSchema = { include: z.array(z.string()).optional(), exclude: z.array(z.string()).optional() };

const cardSchema = { ...selectionSchema, limit: z.number().int().min(0).optional() };

const loadCard = async (props: EntityWidgetsCardProps) => {
  const { EntityWidgetsCard } = await import('./components/EntityWidgetsCard.js');
  return <EntityWidgetsCard {...props} />;
};

/** Everything that the host has for the entity: what a plugin adds to the host tomorrow stands in it tomorrow. */
export const summaryCard = EntityCardBlueprint.makeWithOverrides({
  name: 'summary',
  configSchema: cardSchema,
  factory: (original, { config }) => original({ type: 'content', loader: () => loadCard({ topic: 'summary', include: config.include, exclude: config.exclude, limit: config.limit }) }),
});

// Cards of one topic, for apps that want it in a place of its own; they are off until the app's configuration names them.
const topicCard = (topic: 'usage' | 'cost' | 'errors' | 'quality', ofTopic: string[]) =>
  EntityCardBlueprint.makeWithOverrides({
    name: topic,
    disabled: true,
    configSchema: cardSchema,
    factory: (original, { config }) => original({ type: 'content', loader: () => loadCard({ topic, include: config.include ?? ofTopic, exclude: config.exclude, limit: config.limit }) }),
  });

export const usageCard = topicCard('usage', ['gateway/*']);
export const costCard = topicCard('cost', ['cost/*']);
export const errorsCard = topicCard('errors', ['sentry/*']);
export const qualityCard = topicCard('quality', ['sonarqube/*']);
