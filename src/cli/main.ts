#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { CutoverError, messageOf } from '../base/errors.ts';
import { applyCommand, diffCommand } from './apply.ts';
import { benchCommand } from './bench.ts';
import { bustCommand, cacheCommand } from './cache.ts';
import { dumpCommand, validateCommand } from './offline.ts';
import { printError, whenOutputCloses } from './output.ts';
import { reportCommand, revisionsCommand, rollbackCommand } from './revisions.ts';
import { serveCommand } from './serve.ts';
import { statusCommand } from './status.ts';

/** Exit codes: 0 done, 1 refused or failed, 2 called wrongly. */
const program = new Command('cutover')
  .description('An API gateway whose deploy is a config refresh.')
  .version('0.1.0')
  .exitOverride()
  // What follows a command's name is that command's own, also where a command has one of its own.
  .enablePositionalOptions()
  .configureHelp({ sortSubcommands: false })
  .showHelpAfterError('(cutover --help, or cutover COMMAND --help, shows how)')
  .addHelpText(
    'after',
    `
Examples:
  cutover serve --definitions gateway.yaml
  cutover validate gateway.yaml
  cutover apply gateway.yaml --note "new catalog route"
  cutover rollback`,
  );

for (const command of [
  serveCommand,
  validateCommand,
  diffCommand,
  applyCommand,
  rollbackCommand,
  statusCommand,
  revisionsCommand,
  reportCommand,
  bustCommand,
  cacheCommand,
  dumpCommand,
  benchCommand,
]) {
  program.addCommand(command().exitOverride());
}

const json = process.argv.includes('--json');
if (json) for (const one of [program, ...program.commands]) one.configureOutput({ writeErr() {} });

whenOutputCloses(() => process.exit());

try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (!(error instanceof CommanderError)) {
    const known = asCutoverError(error);
    printError(known, json);
    process.exitCode = known.code === 'usage' ? 2 : 1;
  } else if (error.exitCode !== 0) {
    // What is wrong has been said, but to people only.
    if (json) printError(new CutoverError('usage', error.message, { source: 'operator' }), json);
    process.exitCode = 2;
  }
}

function asCutoverError(error: unknown): CutoverError {
  if (error instanceof CutoverError) return error;
  return new CutoverError('internal', messageOf(error), { source: 'internal', cause: error });
}
