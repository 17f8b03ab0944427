import type { FastifyInstance, FastifyRequest } from 'fastify';
import { CutoverError } from '../../base/errors.ts';
import { diffDefinitions } from '../../model/diff.ts';
import { parseWritten } from '../../model/parse.ts';
import { emptyWritten } from '../../model/written.ts';
import { type Revision, summaryOf } from '../history/revision.ts';
import type { AdminParts } from './parts.ts';
import { queryOf } from './query.ts';

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
  app.get('/v1/revisions/:n', async (request) => found(request, parts));
  app.post('/v1/revisions/:n/rollback', async (request, reply) => {
    const { note = '' } = queryOf(request, ['note']);
    const author = String(request.headers['x-author'] ?? 'admin').slice(0, 128);
    const report = await parts.apply.rollback(found(request, parts).revision, author, note);
    return reply.header('etag', `"${parts.apply.hash}"`).send(report);
  });
  app.get('/v1/revisions/:n/report', async (request) => report(found(request, parts), parts));
}

/** Live counts while a generation of the revision is loaded, the final ones afterwards. */
function report(revision: Revision, { history, collector }: AdminParts): unknown {
  const after = parseWritten(revision.written, 'revision');
  const before = parseWritten(history.get(revision.parent)?.written ?? emptyWritten(), 'parent');
  const live = collector.generations().find((one) => one.revision === revision.revision);
  return {
    ...summaryOf(revision),
    diff: after.ok && before.ok ? diffDefinitions(before.definitions, after.definitions) : null,
    ledger: live?.ledger ?? revision.ledger ?? null,
    state: revision.state,
    generation: live ?? null,
  };
}

function found(request: FastifyRequest, { history }: AdminParts): Revision {
  const text = (request.params as { n: string }).n;
  const revision = /^\d+$/.test(text) ? history.get(Number(text)) : null;
  if (revision !== null) return revision;
  const message = `there is no revision ${text}; GET /v1/revisions lists them`;
  throw new CutoverError('revision-unknown', message, { source: 'operator' });
}
