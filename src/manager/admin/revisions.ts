import type { FastifyInstance, FastifyRequest } from 'fastify';
import { CutoverError } from '../../base/errors.ts';
import { noteLengthMax } from '../../base/limits.ts';
import { type Diff, diffDefinitions } from '../../model/diff.ts';
import { parseWritten } from '../../model/parse.ts';
import { emptyWritten } from '../../model/written.ts';
import type { History } from '../history/history.ts';
import { type Revision, summaryOf } from '../history/revision.ts';
import type { AdminParts } from './parts.ts';
import { authorOf, ifMatchOf, queryOf } from './query.ts';

const listedCount = 20;

/** What was applied, by whom, with what outcome; and the way back. */
export function registerRevisions(app: FastifyInstance, parts: AdminParts): void {
  const { history } = parts;
  app.get('/v1/revisions', async (request) => {
    const { limit } = queryOf(request, ['limit']);
    const count = limit === undefined ? listedCount : Number(limit);
    if (!Number.isInteger(count) || count < 1) {
      throw new CutoverError('query-invalid', 'limit is a count from 1', { source: 'operator' });
    }
    return { head: history.head?.revision ?? 0, revisions: history.list(count).map(summaryOf) };
  });
  app.get('/v1/revisions/:n', async (request) => {
    queryOf(request, []);
    return found(request, parts);
  });
  app.post('/v1/revisions/:n/rollback', async (request, reply) => {
    const { note = '' } = queryOf(request, ['note']);
    const { revision } = found(request, parts);
    const report = await parts.apply.rollback(revision, {
      author: authorOf(request),
      note: note.slice(0, noteLengthMax),
      ifMatch: ifMatchOf(request),
    });
    return reply.header('etag', `"${parts.apply.hash}"`).send(report);
  });
  app.get('/v1/revisions/:n/report', async (request) => {
    queryOf(request, []);
    return report(found(request, parts), parts);
  });
}

/** Live counts while a generation is loaded as the revision, the final ones afterwards. */
function report(revision: Revision, { history, collector, ledgers }: AdminParts): unknown {
  const live = collector.generations().find((one) => one.revision === revision.revision);
  return {
    ...summaryOf(revision),
    diff: diffToParent(revision, history),
    ledger: live ? ledgers.own(live.generation, live.ledger) : (revision.ledger ?? null),
    state: revision.state,
    generation: live ?? null,
  };
}

/** Null: the parent is forgotten, so nobody knows what changed. The first has none. */
function diffToParent({ written, parent }: Revision, history: History): Diff | null {
  const writtenBefore = parent === 0 ? emptyWritten() : history.get(parent)?.written;
  if (writtenBefore === undefined) return null;
  const [before, after] = [
    parseWritten(writtenBefore, 'parent'),
    parseWritten(written, 'revision'),
  ];
  return before.ok && after.ok ? diffDefinitions(before.definitions, after.definitions) : null;
}

function found(request: FastifyRequest, { history }: AdminParts): Revision {
  const text = (request.params as { n: string }).n;
  const revision = /^\d+$/.test(text) ? history.get(Number(text)) : null;
  if (revision !== null) return revision;
  const message = `there is no revision ${text}; GET /v1/revisions lists them`;
  throw new CutoverError('revision-unknown', message, { source: 'operator' });
}
