// Measures ../testdata/workloads.json in Node, as the reference renders and checks them, and prints nanoseconds of
// processor time for each: {"small": 12345, …}. BenchmarkRender does the same in QuickJS.
// The text of a fresh one is another each time.
import { readFile } from 'node:fs/promises';
import jsonschema from 'jsonschema';
import { createTemplateRenderer } from 'nunjitsu';
import { scaffolderFilters } from './src/filters.mjs';

const filters = scaffolderFilters([{ type: 'github', host: 'github.com' }]);
const milliseconds = Number(process.env.BENCH_MS ?? 1000);

function work({ template, fresh, file, schema, instance, variables }) {
  if (schema !== undefined) return () => jsonschema.validate(instance, schema);
  const renderer = createTemplateRenderer({ allowRegexExecution: true, filters });
  const context = renderer.prepareContext(variables);
  if (file !== undefined) return () => renderer.render(file, context);
  let n = 0;
  return () =>
    JSON.parse(JSON.stringify(fresh ? `${template} ${++n}` : template), (_key, value) =>
      typeof value === 'string' ? renderer.renderValue(value, context) : value,
    );
}

function measure(once) {
  const end = performance.now() + milliseconds / 2;
  while (performance.now() < end) once(); // compiled by then
  let runs = 0;
  const stop = performance.now() + milliseconds;
  const begin = process.cpuUsage();
  do {
    for (let i = 0; i < 10; i++) once();
    runs += 10;
  } while (performance.now() < stop);
  const { user, system } = process.cpuUsage(begin);
  return Math.round(((user + system) * 1000) / runs);
}

const workloads = JSON.parse(await readFile(new URL('../testdata/workloads.json', import.meta.url), 'utf8'));
measure(work(workloads[0])); // the engine's own start
console.log(JSON.stringify(Object.fromEntries(workloads.map((workload) => [workload.name, measure(work(workload))]))));
