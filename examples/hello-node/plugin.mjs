// Hello from Node: one of everything that a plugin can add to Callboard.
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError, Plugin, frame, readJSON } from './callboard.mjs';

const plugin = new Plugin({
  id: 'hello-node',
  version: '0.1.0',
  title: 'Hello from Node',
  description: 'The smallest plugin that shows one of everything, in Node.',
  license: 'Apache-2.0',
  settingsSchema: readJSON(new URL('settings.schema.json', import.meta.url)),
});
const greet = name => `${plugin.settings.greeting ?? 'Hello'}, ${name}!`;

plugin.validate(({ greeting = 'Hello' }) => {
  if (!greeting.trim()) {
    throw new InputError('The greeting is blank.', { path: '/greeting', detail: 'Set a word, or leave it out for Hello.' });
  }
});

plugin.route('GET /greeting/{name}', ({ path, principal }) => ({ greeting: greet(path.name), principal: principal.subject }));

plugin.route('GET /health', () => ({ status: 'ok' }), { unauthenticated: true });

// Server-sent events: a count, once a second, for a minute at most.
plugin.route('GET /ticks', async function* ({ query }) {
  for (let tick = 0; tick < Number(query.get('count') ?? 60); tick++) {
    if (tick > 0) await sleep(1000);
    yield { tick };
  }
});

plugin.provider('greetings', function* () {
  for (const name of ['hello', 'world']) {
    yield {
      apiVersion: 'backstage.io/v1alpha1',
      kind: 'Component',
      metadata: {
        name: `node-${name}`,
        description: `Provided by the plugin ${plugin.id}`,
        annotations: { 'hello.callboard.dev/greet': name },
      },
      spec: { type: 'service', lifecycle: 'experimental', owner: 'group:default/greeters' },
    };
  }
});

plugin.processor('greeted', entity => {
  const annotations = entity.metadata?.annotations;
  const name = annotations?.['hello.callboard.dev/greet'];
  if (name) annotations['hello.callboard.dev/greeted'] = greet(name);
  return entity;
}, { kinds: ['component'] });

plugin.action('hello-node:greet', ({ input, dryRun, taskId, log }) => {
  log.info(`greeting ${input.name}`);
  if (dryRun) log.info('dry run: nobody hears it');
  else plugin.log.info('greeted', { task: taskId });
  return { greeting: greet(input.name) };
}, {
  description: 'Greets somebody',
  input: { type: 'object', required: ['name'], properties: { name: { type: 'string', minLength: 1 } } },
  output: { type: 'object', properties: { greeting: { type: 'string' } } },
  dryRun: true,
});

plugin.filter('nodeShout', (text, mark = '!') => {
  if (typeof text !== 'string') throw new InputError('Only a text can be shouted.');
  return text.toUpperCase() + mark;
}, { description: 'Says it loudly', input: { type: 'string' }, arguments: [{ type: 'string' }], output: { type: 'string' } });

plugin.widget('hello', ({ entity }) => frame('hello', { name: 'greeting', type: 'string', values: [greet(entity?.metadata.name ?? 'world')] }),
  { title: 'Hello', view: 'stat', appliesTo: '*' });

await plugin.serve();
