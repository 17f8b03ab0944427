// Sets the checkout up and runs the tests: all of them, or those whose path holds an argument.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { leaveCounts, runHere } from './report.mjs';
import { root, setUp } from './set-up.mjs';

await setUp();
// Here, where it can be said, and not in the first test that wants a member.
const { memberJar } = await import('../bench/kit/member-jar.mjs');
await memberJar({ say: (line) => process.stderr.write(`test: ${line}\n`) }).catch(({ message }) => {
  process.stderr.write(`test: ${message}\ntest: tests of the cluster will fail without it\n`);
});
const report = join(root, 'build', 'reports', 'vitest.json');
rmSync(report, { force: true });
const exitCode = runHere(process.execPath, [
  'node_modules/vitest/vitest.mjs',
  'run',
  '--config',
  '.ci/vitest.config.mjs',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...process.argv.slice(2),
]);
const counts = existsSync(report)
  ? JSON.parse(readFileSync(report, 'utf8'))
  : { numPassedTests: 0, numFailedTests: 0 };
const passed = counts.numPassedTests;
// A run that ends badly without a failed test (a file that cannot be loaded) is a failure too.
const failed = Math.max(counts.numFailedTests, exitCode === 0 ? 0 : 1);
leaveCounts('test', { passed, failed });
process.stdout.write(`test: ${passed} passed, ${failed} failed\n`);
process.exitCode = exitCode;
