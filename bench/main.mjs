// The benches: what is measured, against what, and what must hold. Figures are for the machine
// that prints them; the gates are ratios and counts, and one that fails makes the exit code 1.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';

const positive = (text) => {
  const value = Number(text);
  if (!Number.isInteger(value) || value <= 0) throw new InvalidArgumentError('a positive number');
  return value;
};

const say = (line) => process.stderr.write(`bench: ${line}\n`);
let counts = { passed: 0, failed: 0 };

function finish(name, { gates, ...figures }, file) {
  process.stdout.write('\n');
  gates.print();
  const path = resolve(file ?? `build/bench/${name}.json`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify({ ...figures, gates: gates.list }, null, 2)}\n`);
  say(`all figures are in ${path}`);
  counts = {
    passed: counts.passed + gates.counts.passed,
    failed: counts.failed + gates.counts.failed,
  };
  if (gates.counts.failed > 0) process.exitCode = 1;
}

/** Benches of the workload profiles: each does what `profiles/NAME.yaml` says. */
const profiles = {
  calculator: async (options) => (await import('./calculator.mjs')).calculator(options),
  commute: async (options) => (await import('./commute.mjs')).commute(options),
  editorial: async (options) => (await import('./editorial.mjs')).editorial(options),
  reschedule: async (options) => (await import('./reschedule.mjs')).reschedule(options),
  'cold-storm': async (options) => (await import('./cold-storm.mjs')).coldStorm(options),
};

function runProfile(name, small) {
  return profiles[name]({ small, say });
}

/** What the cache keeps of itself: over applies, and over deaths of threads. */
async function cacheOverCutovers({ checks, secondsMax }) {
  const { warmKeys } = await import('./warm-keys.mjs');
  finish('warm-keys', await warmKeys({ say }));
  const { threadKills } = await import('./thread-kills.mjs');
  finish('thread-kills', await threadKills({ checks, secondsMax, say }));
}

/** What a short run on a machine that may be busy can hold: counts, and ratios with room. */
async function smallRuns() {
  const { cutoverBench } = await import('./cutover.mjs');
  const plan = { applies: 40, everyMs: 100, connections: 64, small: true };
  finish('cutover', await cutoverBench({ ...plan, say }));
  const { warmKeys } = await import('./warm-keys.mjs');
  finish('warm-keys', await warmKeys({ say }));
  const { crash } = await import('./crash.mjs');
  finish('crash', await crash({ kills: 5, seed: 1, say }));
  finish('cold-storm', await runProfile('cold-storm', true));
}

function profileCommand(command, description) {
  command
    .description(`${description} (profiles/${command.name()}.yaml)`)
    .option('--small', 'a short run')
    .option('--json <file>', 'where the figures go')
    .action(async ({ small = false, json }) => {
      finish(command.name(), await runProfile(command.name(), small), json);
    });
}

/** Runs what the arguments ask for; gives the counts of its gates. */
export async function bench(args) {
  const program = new Command('bench')
    // `--small` and `--json` behind a bench's name are that bench's.
    .enablePositionalOptions()
    .description('measure the gateway; without a name: throughput against nginx, HAProxy, Caddy')
    .option(
      '--small',
      'a few minutes: short runs of what has a gate, a short cutover, a few crashes',
    )
    .option('--rounds <n>', 'rounds of each case', positive)
    .option('--seconds <n>', 'seconds of each run', positive)
    .option('--only <text>', 'cases whose name holds this')
    .option('--json <file>', 'where the figures go')
    .addHelpText(
      'after',
      '\nExamples:\n  npm run bench\n  npm run bench -- --only "proxied GET 1 KB" --rounds 9\n  npm run bench cutover\n  npm run bench cutover -- --applies 1000\n  npm run bench transfer\n  npm run bench crash -- --kills 50\n  npm run bench cache\n  npm run bench calculator',
    )
    .action(async ({ small = false, rounds, seconds, only, json }) => {
      const { throughput } = await import('./throughput.mjs');
      const plan = { rounds: rounds ?? 5, seconds: seconds ?? (small ? 2 : 4) };
      finish('throughput', await throughput({ small, only, say, ...plan }), json);
      if (!small) return;
      await smallRuns();
    });
  program
    .command('cache')
    .description('hits against nginx, HAProxy, Varnish; with a busy writer; with many tags')
    .option('--small', 'short runs')
    .option('--rounds <n>', 'rounds of each case', positive)
    .option('--seconds <n>', 'seconds of each run', positive)
    .option('--json <file>', 'where the figures go')
    .action(async ({ small = false, rounds, seconds, json }) => {
      const { cacheBench } = await import('./cache.mjs');
      const plan = { rounds: rounds ?? (small ? 2 : 5), seconds: seconds ?? (small ? 1 : 2) };
      finish('cache', await cacheBench({ small, say, ...plan }), json);
    });
  profileCommand(
    program.command('calculator'),
    'POST with an input: how often the origin calculates',
  );
  profileCommand(program.command('commute'), 'lookups at the peak, busted by tag in the middle');
  profileCommand(program.command('editorial'), 'publish, bust, look: many times');
  profileCommand(program.command('reschedule'), 'a node of a cluster is killed and replaced');
  profileCommand(program.command('cold-storm'), '1,000 clients meet an empty cache');
  program
    .command('cutover')
    .description('apply under load: lost, closed, mixed, how soon, how smooth')
    .option('--applies <n>', 'how many', positive, 40)
    .option('--every <ms>', 'milliseconds between two', positive, 250)
    .option('--connections <n>', 'keep-alive clients', positive, 64)
    .option('--checks <n>', 'responses checked while threads are killed', positive, 1_000_000)
    .option('--json <file>', 'where the figures of the applies go')
    .action(async ({ applies, every, connections, checks, json }) => {
      const { cutoverBench } = await import('./cutover.mjs');
      finish('cutover', await cutoverBench({ applies, everyMs: every, connections, say }), json);
      await cacheOverCutovers({ checks, secondsMax: 60 + checks / 5_000 });
    });
  program
    .command('transfer')
    .description('1 GiB up and down with a slow peer: memory stays level')
    .option('--mebibytes <n>', 'how much each way', positive, 1024)
    .option('--json <file>', 'where the figures go')
    .action(async ({ mebibytes, json }) => {
      const { transfer } = await import('./transfer.mjs');
      finish('transfer', await transfer({ mebibytes, say }), json);
    });
  program
    .command('crash')
    .description('kill -9 during applies: the next start serves what was acknowledged')
    .option('--kills <n>', 'how many', positive, 50)
    .option('--seed <n>', 'decides the moments', positive, 1)
    .option('--json <file>', 'where the figures go')
    .action(async ({ kills, seed, json }) => {
      const { crash } = await import('./crash.mjs');
      finish('crash', await crash({ kills, seed, say }), json);
    });
  program
    .command('cluster')
    .description('three nodes, three members: applies, busts, misses, with load on each node')
    .option('--rounds <n>', 'applies, and busts', positive, 1000)
    .option('--json <file>', 'where the figures go')
    .action(async ({ rounds, json }) => {
      const { cluster } = await import('./cluster.mjs');
      finish('cluster', await cluster({ rounds, say }), json);
    });
  program
    .command('flap')
    .description('a member that is killed and started again and again: memory of the node')
    .option('--minutes <n>', 'how long', positive, 30)
    .option('--json <file>', 'where the figures go')
    .action(async ({ minutes, json }) => {
      const { flap } = await import('./flap.mjs');
      finish('flap', await flap({ minutes, say }), json);
    });
  program
    .command('http-cache')
    .description('the public suite of HTTP caches; what fails must be in docs/http-caching.md')
    .option('--base <url>', 'another proxy, whose origin is http://127.0.0.1:19042')
    .option('--only <id>', 'one test, with what its client and its origin saw')
    .option('--json <file>', 'where the results go')
    .action(async ({ base, only, json }) => {
      const { httpCacheSuite } = await import('./http-cache.mjs');
      finish('http-cache', await httpCacheSuite({ base, only, say }), json);
    });
  program
    .command('micro')
    .description('compile and match routes; look up, store and keep cached entries')
    .option('--json <file>', 'where the figures go')
    .action(async ({ json }) => {
      const { micro } = await import('./micro/main.mjs');
      finish('micro', await micro({ say }), json);
    });
  await program.parseAsync(args, { from: 'user' });
  return counts;
}
