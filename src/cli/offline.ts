import { Command } from 'commander';
import { CutoverError } from '../base/errors.ts';
import { dumpShape } from '../control/dump.ts';
import { readDefinitions } from '../manager/start-definitions.ts';
import { printError, printJson, printLine } from './output.ts';

/** Commands that need no node. */
export function validateCommand(): Command {
  return new Command('validate')
    .description('Check definitions; all problems at once, each with its place.')
    .argument('<path>', 'a file, or a folder of files')
    .option('--json', 'print exact JSON')
    .addHelpText('after', '\nExample:\n  cutover validate gateway.yaml')
    .action(async (path: string, options: { json?: boolean }) => {
      const parsed = await readDefinitions(path);
      if (!parsed.ok) process.exitCode = 1;
      if (options.json === true) {
        printJson(parsed.ok ? { ok: true, hash: parsed.hash } : parsed);
      } else if (parsed.ok) {
        const { routes, upstreams } = parsed.definitions;
        printLine(
          `${path}: ${routes.length} routes and ${upstreams.length} upstreams are in order`,
        );
      } else {
        const count = parsed.problems.length + parsed.truncated;
        const context = { problems: parsed.problems, truncated: parsed.truncated };
        const message = `${path} has ${count} ${count === 1 ? 'problem' : 'problems'}:`;
        printError(
          new CutoverError('definitions-invalid', message, { source: 'operator', context }),
        );
      }
    });
}

export function dumpCommand(): Command {
  return new Command('dump')
    .description('Print the compiled shape of definitions: what workers read.')
    .argument('<path>', 'a file, or a folder of files')
    .addHelpText('after', '\nExample:\n  cutover dump gateway.yaml | less')
    .action(async (path: string) => {
      const parsed = await readDefinitions(path);
      if (!parsed.ok) {
        throw new CutoverError('definitions-invalid', `${path} has problems:`, {
          source: 'operator',
          context: { problems: parsed.problems, truncated: parsed.truncated },
        });
      }
      printJson(dumpShape(parsed.definitions, parsed.hash));
    });
}
