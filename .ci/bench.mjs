// Sets the checkout up and runs the benches; see bench/main.mjs.
import { leaveCounts } from './report.mjs';
import { setUp } from './set-up.mjs';

await setUp();
const { bench } = await import('../bench/main.mjs');
leaveCounts('bench', { passed: 0, failed: 1 });
const counts = await bench(process.argv.slice(2));
leaveCounts('bench', counts);
process.stdout.write(`bench: ${counts.passed} passed, ${counts.failed} failed\n`);
