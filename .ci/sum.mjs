// The last line of .ci/run: what all its steps counted. A step that left no count has failed.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './set-up.mjs';

let passed = 0;
let failed = 0;
for (const name of ['check', 'test', 'bench']) {
  const file = join(root, 'build', 'reports', `${name}.json`);
  const counts = existsSync(file)
    ? JSON.parse(readFileSync(file, 'utf8'))
    : { passed: 0, failed: 1 };
  passed += counts.passed;
  failed += counts.failed;
}
const status = Number(process.argv[2] ?? 0);
if (status !== 0 && failed === 0) failed = 1;
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
