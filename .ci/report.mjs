// Runs named steps one after another, says how each went, and leaves the counts for .ci/run.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './set-up.mjs';

/** The exit code of a command whose output goes to this terminal. */
export function runHere(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  });
  if (error !== undefined) process.stderr.write(`${command}: ${error.message}\n`);
  return status ?? 1;
}

/** Keeps how many of `name` passed and failed. */
export function leaveCounts(name, { passed, failed }) {
  const folder = join(root, 'build', 'reports');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), JSON.stringify({ passed, failed }));
}
