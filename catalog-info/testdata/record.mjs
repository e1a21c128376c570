// Records what npm `yaml` 2.x reads from each snippet, in place. Needs the package `yaml` and Node 20+:
//   npm install --no-save yaml@2.9.1 && node record.mjs corpus.json && node record.mjs mutations.json
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
const require = createRequire(process.env.YAML_FROM ?? import.meta.url);
const yaml = require('yaml');

const file = new URL(process.argv[2] ?? 'corpus.json', import.meta.url);
const corpus = JSON.parse(readFileSync(file, 'utf8'));
yaml.warnings = false;
for (const c of corpus) {
  c.documents = [];
  const text = c.base64 ? Buffer.from(c.base64, 'base64').toString('utf8') : c.yaml;
  for (const doc of yaml.parseAllDocuments(text, { merge: false, logLevel: 'silent' })) {
    if (doc.errors.length) {
      const e = doc.errors[0];
      c.documents.push({ error: e.code, message: e.message.split(' at line')[0], line: e.linePos?.[0].line, column: e.linePos?.[0].col });
      continue;
    }
    try {
      const json = doc.toJSON();
      if (json === null) c.documents.push({ empty: true });
      else c.documents.push({ value: JSON.parse(JSON.stringify(json) ?? 'null') });
    } catch (e) {
      c.documents.push({ error: e.name, message: e.message });
    }
  }
}
writeFileSync(file, '[\n' + corpus.map(c => '  ' + JSON.stringify(c)).join(',\n') + '\n]\n');
