// Sets the checkout up, then runs the command line in this same process.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, setUp } from './set-up.mjs';

await setUp();
await import(pathToFileURL(join(root, 'build', 'cli', 'main.js')).href);
