// Makes src/generated/ from the descriptions of the host's APIs. With --check it only says whether that has been done.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import openapiTS, { astToString } from 'openapi-typescript';

const here = import.meta.dirname;
const server = path.resolve(here, '../../../server/internal');

/** Where the description of each API is, by the name of the file that is made of it. */
const descriptions = {
  'api-docs': 'apidocs', catalog: 'catalog', notifications: 'notifications', scaffolder: 'scaffolder', search: 'search', widgets: 'widget',
};

const check = process.argv.includes('--check');
let stale = 0;
for (const [name, folder] of Object.entries(descriptions)) {
  const file = path.join(here, 'src/generated', `${name}.ts`);
  const text = `// Made of server/internal/${folder}/openapi.yaml by npm run generate.\n\n` + astToString(await openapiTS(pathToFileURL(path.join(server, folder, 'openapi.yaml')), { silent: true }));
  if (!check) writeFileSync(file, text);
  else if (read(file) !== text) {
    console.error(`src/generated/${name}.ts is not what server/internal/${folder}/openapi.yaml says; next: npm run generate -w @callboard/client`);
    stale++;
  }
}
process.exit(stale > 0 ? 1 : 0);

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
