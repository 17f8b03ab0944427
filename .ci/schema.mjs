// Writes docs/definitions.schema.json, which editors use, from the schemas in the code.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, setUp } from './set-up.mjs';

await setUp();
const { definitionsJsonSchema } = await import(
  pathToFileURL(join(root, 'build', 'model', 'schema.js')).href
);
const file = join(root, 'docs', 'definitions.schema.json');
writeFileSync(file, `${JSON.stringify(definitionsJsonSchema(), null, 2)}\n`);
process.stdout.write(`schema: wrote ${file}\n`);
