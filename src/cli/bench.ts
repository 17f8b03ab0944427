import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { CutoverError } from '../base/errors.ts';

/** Behind `npm run bench`; it sets the checkout up first. */
const file = fileURLToPath(new URL('../../.ci/bench.mjs', import.meta.url));

/** Runs the benches of the checkout in a process of their own. */
export function benchCommand(): Command {
  return new Command('bench')
    .description('Measure on this machine: the gateway against others, or a workload profile.')
    .argument('[profile]', 'calculator, commute, editorial, cold-storm or another bench')
    .option('--small', 'a short run')
    .addHelpText('after', '\nExamples:\n  cutover bench\n  cutover bench calculator --small')
    .action(async (profile: string | undefined, options: { small?: boolean }) => {
      if (!existsSync(file)) {
        const message = 'the benches are in a checkout of the project, and this is none';
        throw new CutoverError('bench-missing', message, { source: 'operator' });
      }
      const small = options.small === true ? ['--small'] : [];
      const args = [file, ...(profile === undefined ? [] : [profile]), ...small];
      const child = spawn(process.execPath, args, { stdio: 'inherit' });
      const [code] = (await once(child, 'exit')) as [number | null];
      process.exitCode = code ?? 1;
    });
}
