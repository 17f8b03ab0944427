import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { monotonicMs, sleep } from '../base/clock.ts';
import { CutoverError, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { type Parsed, parseDefinitions } from '../model/parse.ts';
import { printProblem } from '../model/problem.ts';
import type { Source } from '../model/source-document.ts';
import type { Apply } from './apply.ts';
import type { ClusterFleet } from './fleet.ts';
import type { Following } from './following.ts';
import type { History } from './history/history.ts';
import type { Revision } from './history/revision.ts';
import type { Served } from './served.ts';

const startWaitMs = 60_000;
/** A member answers within some 100 ms; one that does not is away. */
const headWaitMs = 3_000;
const headPollMs = 200;

export interface StartCluster {
  readonly fleet: ClusterFleet;
  readonly following: Following;
}

export interface StartParts {
  readonly apply: Apply;
  readonly served: Served;
  readonly history: History;
  readonly path: string | null;
  readonly log: Log;
  /** Null: the node is on its own. */
  readonly cluster: StartCluster | null;
}

/**
 * What a node serves when it starts: the head of its history; the definitions file where there is
 * no head yet, or on top of it when the file has changed since it was read last. A file that is
 * wrong stops a first start; later the head is served and the log says what is wrong, as it does when
 * the file has no routes, or the folder no files, any more. In a cluster that has a head, that is what is
 * served, and the file is not looked at but for a warning.
 */
export async function startDefinitions(parts: StartParts): Promise<void> {
  const { apply, served, history, path, log, cluster } = parts;
  const { head } = history;
  const parsed = path === null ? null : await readAtStart(path, head, log);
  const found = cluster === null ? 'none' : await startFromCluster(parts, cluster);
  if (found === 'head') {
    if (parsed !== null && (!parsed.ok || parsed.hash !== served.hash)) {
      log.warn(`serving revision ${served.head.revision} of the cluster, which is not ${path}`);
    }
    return;
  }
  if (head !== null || parsed === null) await served.restore();
  if (cluster !== null && found === 'empty' && head !== null) await cluster.following.seed();
  if (parsed === null) return;
  if (!parsed.ok) {
    if (head === null) {
      throw new CutoverError('definitions-invalid', `${path} has problems; nothing is served:`, {
        source: 'operator',
        context: { problems: parsed.problems },
      });
    }
    const problems = parsed.problems.map(printProblem);
    log.error({ problems }, `${path} has problems; serving revision ${head.revision}`);
    return;
  }
  if (head !== null && history.seed === parsed.hash) {
    if (head.hash !== parsed.hash) {
      log.warn(
        `serving revision ${head.revision}, which differs from ${path}; to serve the file: cutover apply ${path}`,
      );
    }
    return;
  }
  try {
    await applyParsed(apply, parsed, { note: `from ${path}`, alone: found === 'away' });
  } catch (error) {
    if (cluster !== null && isOvertaken(error)) {
      // Another node that starts at the same time was first.
      await followFirst(cluster);
      return;
    }
    const empty = error instanceof CutoverError && error.code === 'definitions-empty';
    if (head === null || !empty) throw error;
    log.error(`${path} has no routes; serving revision ${head.revision}`);
    return;
  }
  await history.setSeed(parsed.hash);
}

/** `away`: it does not answer; `empty`: it has no head, or an older one than this node. */
async function startFromCluster(
  { served, history }: StartParts,
  { fleet, following }: StartCluster,
): Promise<'head' | 'empty' | 'away'> {
  const { reached, revision } = await fleet.head(headWaitMs);
  if (!reached) return 'away';
  const { head } = history;
  const later = head?.cluster === true && head.revision > (revision?.revision ?? 0);
  if (revision === null || later) return 'empty';
  if (head !== null && head.revision === revision.revision && head.hash === revision.hash) {
    await served.restore();
  } else {
    await following.adopt(revision);
  }
  return 'head';
}

function isOvertaken(error: unknown): boolean {
  const code = error instanceof CutoverError ? error.code : '';
  return code === 'apply-in-progress' || code === 'apply-behind';
}

async function followFirst({ fleet, following }: StartCluster): Promise<void> {
  const untilMs = monotonicMs() + startWaitMs;
  for (;;) {
    const { revision } = await fleet.head(headWaitMs);
    if (revision !== null) return following.adopt(revision);
    if (monotonicMs() >= untilMs) {
      const message = 'another node applies the first revision of the cluster and does not end';
      throw new CutoverError('apply-in-progress', message, { source: 'cluster' });
    }
    await sleep(headPollMs);
  }
}

/** Null: the folder has no files any more, and the head is served. */
async function readAtStart(path: string, head: Revision | null, log: Log): Promise<Parsed | null> {
  try {
    return await readDefinitions(path);
  } catch (error) {
    const missing = error instanceof CutoverError && error.code === 'definitions-missing';
    if (head === null || !missing) throw error;
    log.error(`${error.message}; serving revision ${head.revision}`);
    return null;
  }
}

async function applyParsed(
  apply: Apply,
  parsed: Parsed,
  { note, alone }: { readonly note: string; readonly alone: boolean },
): Promise<void> {
  const beganMs = monotonicMs();
  await apply.apply({
    parsed,
    validateMs: monotonicMs() - beganMs,
    author: 'start',
    note,
    alone,
    waitMs: startWaitMs,
    require: 'all',
    dryRun: false,
    allowEmpty: false,
    ifMatch: null,
  });
}

/** A file, or all definitions of a folder in the order of their names. */
export async function readDefinitions(path: string): Promise<Parsed> {
  return parseDefinitions(await readSources(path));
}

export async function readSources(path: string): Promise<Source[]> {
  try {
    if (!(await stat(path)).isDirectory())
      return [{ file: path, text: await readFile(path, 'utf8') }];
    const names = (await readdir(path)).filter((name) => /\.(ya?ml|json)$/.test(name)).sort();
    if (names.length === 0) {
      const message = `${path} has no file of definitions: of a folder those are read that end in .yaml, .yml or .json`;
      throw new CutoverError('definitions-missing', message, { source: 'operator' });
    }
    return await Promise.all(
      names.map(async (name) => {
        const file = join(path, name);
        return { file, text: await readFile(file, 'utf8') };
      }),
    );
  } catch (error) {
    if (error instanceof CutoverError) throw error;
    throw new CutoverError('file-unreadable', `${path} cannot be read: ${messageOf(error)}`, {
      source: 'operator',
    });
  }
}
