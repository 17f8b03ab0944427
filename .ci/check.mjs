// Everything that can be said of the code without running the gateway: format and lint, types,
// doors between rooms, house rules. `npm run check -- --fix` mends what can be mended.
import { leaveCounts, runHere } from './report.mjs';
import { setUp } from './set-up.mjs';

await setUp();
const fix = process.argv.includes('--fix');
const node = process.execPath;
const bin = (path) => `node_modules/${path}`;

const steps = {
  'format and lint': [
    bin('@biomejs/biome/bin/biome'),
    'check',
    '--config-path=.ci/lint.json',
    '--error-on-warnings',
    ...(fix ? ['--write'] : []),
    '.',
  ],
  types: [bin('typescript/bin/tsc'), '-p', '.ci/tsconfig.json'],
  doors: [bin('dependency-cruiser/bin/dependency-cruise.mjs'), '--config', '.ci/doors.cjs', 'src'],
  tidy: [bin('vitest/vitest.mjs'), 'run', '--config', '.ci/vitest.config.mjs', 'test/tidy.test.ts'],
};

let failed = 0;
for (const [name, args] of Object.entries(steps)) {
  process.stdout.write(`check: ${name}\n`);
  if (runHere(node, args) === 0) continue;
  process.stdout.write(`check: ${name} FAILED\n`);
  failed += 1;
}
const passed = Object.keys(steps).length - failed;
leaveCounts('check', { passed, failed });
process.stdout.write(`check: ${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
