import { type Command, Option } from 'commander';
import { CutoverError } from '../base/errors.ts';
import { parseDurationMs } from '../base/units.ts';
import type { ApplyReport } from '../manager/apply-report.ts';
import { readDefinitions } from '../manager/start-definitions.ts';
import { type CacheEffect, type Diff, printDiff } from '../model/diff.ts';
import type { WrittenDefinitions } from '../model/written.ts';
import { type AdminOptions, adminCommand, callAdmin, withNote } from './admin-client.ts';
import { printJson, printLine, printTable, progress } from './output.ts';

interface ApplyOptions extends AdminOptions {
  readonly note?: string;
  readonly dryRun?: boolean;
  readonly allowEmpty?: boolean;
  readonly wait?: string;
  readonly require?: string;
}

export function applyCommand(): Command {
  return adminCommand('apply')
    .description('Make a running node use these definitions, without losing a request.')
    .argument('<path>', 'a file, or a folder of files')
    .option('--note <text>', 'why, for the history')
    .option('--dry-run', 'say what would change, and change nothing')
    .option('--allow-empty', 'take a set without routes, which takes all of them away')
    .option('--wait <duration>', 'how long workers may take', '5s')
    .addOption(
      new Option('--require <nodes>', 'how many live nodes must be ready before any switches')
        .choices(['all', 'majority'])
        .default('all'),
    )
    .addHelpText(
      'after',
      `
Examples:
  cutover apply gateway.yaml --note "raise catalog timeout"
  cutover apply definitions/ --dry-run
  cutover apply gateway.yaml --admin http://127.0.0.1:9081 --token-file b/admin-token --json`,
    )
    .action(async (path: string, options: ApplyOptions) => {
      const { wait = '5s' } = options;
      if (parseDurationMs(wait) === null) {
        const message = `--wait ${wait} is no duration; write 5s`;
        throw new CutoverError('usage', message, { source: 'operator' });
      }
      const query = withNote(new URLSearchParams({ wait }), options.note);
      const written = await readWritten(path);
      progress('applying …');
      if (options.require === 'majority') query.set('require', 'majority');
      if (options.dryRun === true) query.set('dryRun', 'true');
      if (options.allowEmpty === true) query.set('allowEmpty', 'true');
      printReport(
        await callAdmin<ApplyReport>(options, 'PUT', `/v1/definitions?${query}`, written),
        options,
      );
    });
}

export function diffCommand(): Command {
  return adminCommand('diff')
    .description('Show what an apply would touch on a running node; the rest is identical.')
    .argument('<path>', 'a file, or a folder of files')
    .addHelpText('after', '\nExample:\n  cutover diff gateway.yaml')
    .action(async (path: string, options: AdminOptions) => {
      const written = await readWritten(path);
      const { diff, cache } = await callAdmin<{ diff: Diff; cache: CacheEffect | null }>(
        options,
        'POST',
        '/v1/diff',
        written,
      );
      if (options.json === true) printJson({ ...diff, cacheEntries: cache });
      else printLine(printDiff(diff, cache));
    });
}

/** What an apply or a rollback did. `partial` is not success. */
export function printReport(report: ApplyReport, options: AdminOptions): void {
  if (report.outcome === 'partial') process.exitCode = 1;
  if (options.json === true) {
    printJson(report);
    return;
  }
  const { timings, diff, nodes, cache } = report;
  printLine(printDiff(diff, cache));
  printTable(
    ['revision', 'outcome', 'validate ms', 'compile ms', 'staged ms', 'switched ms'],
    [
      [
        report.revision,
        report.outcome,
        ...[timings.validateMs, timings.compileMs, timings.stagedMs, timings.switchedMs].map((ms) =>
          ms.toFixed(1),
        ),
      ],
    ],
  );
  const workers = nodes.flatMap((node) =>
    node.workers.map((worker) => [node.id, worker.id, worker.switchedMs.toFixed(1)]),
  );
  if (workers.length > 0) printTable(['node', 'worker', 'switched ms'], workers);
  for (const { id, problem } of nodes) if (problem !== undefined) printLine(`${id}: ${problem}`);
  if (report.laggards.length > 0) {
    printLine(`not confirmed in time: worker ${report.laggards.join(', ')}`);
  }
}

/** Reads and validates here, so that problems name files as this person knows them. */
async function readWritten(path: string): Promise<WrittenDefinitions> {
  const parsed = await readDefinitions(path);
  if (parsed.ok) return parsed.written;
  throw new CutoverError('definitions-invalid', `${path} has problems; nothing was sent:`, {
    source: 'operator',
    context: { problems: parsed.problems, truncated: parsed.truncated },
  });
}
