import type { Command } from 'commander';
import { CutoverError } from '../base/errors.ts';
import type { ApplyReport } from '../manager/apply-report.ts';
import type { RevisionSummary } from '../manager/history/revision.ts';
import { type Diff, printDiff } from '../model/diff.ts';
import type { Ledger } from '../model/orders.ts';
import { type AdminOptions, adminCommand, callAdmin, withNote } from './admin-client.ts';
import { printReport } from './apply.ts';
import { printJson, printLine, printTable } from './output.ts';

interface RevisionList {
  readonly head: number;
  readonly revisions: readonly RevisionSummary[];
}

export function rollbackCommand(): Command {
  return adminCommand('rollback')
    .description('Go back to an earlier revision; without a number, to the one before.')
    .argument('[revision]', 'its number')
    .option('--note <text>', 'why, for the history')
    .addHelpText(
      'after',
      '\nExamples:\n  cutover rollback\n  cutover rollback 41 --note "catalog errors"',
    )
    .action(async (text: string | undefined, options: AdminOptions & { note?: string }) => {
      const query = withNote(new URLSearchParams(), options.note);
      const revision = text === undefined ? await previous(options) : numberOf(text);
      const path = `/v1/revisions/${revision}/rollback?${query}`;
      printReport(await callAdmin<ApplyReport>(options, 'POST', path), options);
    });
}

export function revisionsCommand(): Command {
  return adminCommand('revisions')
    .description('List what was applied, newest first.')
    .argument('[count]', 'how many', '20')
    .addHelpText('after', '\nExample:\n  cutover revisions 5')
    .action(async (count: string, options: AdminOptions) => {
      const list = await callAdmin<RevisionList>(
        options,
        'GET',
        `/v1/revisions?limit=${numberOf(count)}`,
      );
      if (options.json === true) {
        printJson(list);
        return;
      }
      printTable(
        ['', 'revision', 'state', 'created', 'author', 'hash', 'note'],
        list.revisions.map((one) => [
          one.revision === list.head ? '*' : '',
          one.revision,
          one.state,
          one.createdAt,
          one.author,
          one.hash.slice(0, 12),
          one.note,
        ]),
      );
      for (const one of list.revisions) printReason(one);
    });
}

export function reportCommand(): Command {
  return adminCommand('report')
    .description('What one revision changed, and what became of its requests.')
    .argument('<revision>', 'its number')
    .addHelpText('after', '\nExample:\n  cutover report 42')
    .action(async (text: string, options: AdminOptions) => {
      const report = await callAdmin<
        RevisionSummary & { diff: Diff | null; ledger: Ledger | null }
      >(options, 'GET', `/v1/revisions/${numberOf(text)}/report`);
      if (options.json === true) {
        printJson(report);
        return;
      }
      printTable(
        ['revision', 'state', 'created', 'author', 'note'],
        [[report.revision, report.state, report.createdAt, report.author, report.note]],
      );
      printReason(report);
      if (report.diff !== null) printLine(printDiff(report.diff));
      if (report.ledger !== null) {
        const { accepted, completed, aborted, refused, failed } = report.ledger;
        printTable(
          ['accepted', 'completed', 'aborted', 'refused', 'failed'],
          [[accepted, completed, aborted, refused, failed]],
        );
      }
    });
}

/** Why it was rejected, if it was. */
function printReason({ revision, reason }: RevisionSummary): void {
  if (reason !== undefined) printLine(`revision ${revision} was rejected: ${reason}`);
}

/** The newest acknowledged revision before the head whose content differs from it. */
async function previous(options: AdminOptions): Promise<number> {
  const { head, revisions } = await callAdmin<RevisionList>(
    options,
    'GET',
    '/v1/revisions?limit=200',
  );
  const current = revisions.find(({ revision }) => revision === head);
  const found = revisions.find(
    (one) => one.revision < head && one.state === 'acknowledged' && one.hash !== current?.hash,
  );
  if (found !== undefined) return found.revision;
  throw new CutoverError('revision-unknown', 'there is no earlier revision to go back to', {
    source: 'operator',
  });
}

function numberOf(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new CutoverError('usage', `${text} is not a number from 1`, { source: 'operator' });
}
