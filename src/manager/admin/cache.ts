import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { monotonicMs } from '../../base/clock.ts';
import { CutoverError } from '../../base/errors.ts';
import { bustsPerSecondMax, bustToldCountMax } from '../../base/limits.ts';
import { TokenBucket } from '../../base/token-bucket.ts';
import type { Bust } from '../../model/bust.ts';
import { type ParsedBody, parseBust, parseExplain } from '../../model/cache-bodies.ts';
import { fleetCaches } from './fleet-view.ts';
import type { AdminParts } from './parts.ts';
import { authorOf, queryOf } from './query.ts';

/** What the cache holds and does, and the way to make what it holds unusable. */
export function registerCache(app: FastifyInstance, parts: AdminParts): void {
  const bucket = new TokenBucket(bustsPerSecondMax, monotonicMs());
  app.post('/v1/cache/bust', async (request, reply) => {
    queryOf(request, []);
    if (!bucket.take(monotonicMs())) throw tooMany();
    return bust(request, reply, parts);
  });
  app.get('/v1/cache', async (request) => {
    queryOf(request, []);
    const report = parts.collector.cache();
    if (report === null) throw cacheOff();
    const { nodeId: id, region, collector } = parts;
    const { fleet } = collector;
    const all = fleet === null ? {} : fleetCaches({ region, cache: report }, fleet.nodes);
    return { id, region, ...report, ...all };
  });
  app.get('/v1/cache/entries', async (request) => {
    const { url } = queryOf(request, ['url']);
    if (url === undefined) {
      const message = 'say of which URL: ?url=http://host/path, percent-encoded';
      throw new CutoverError('query-invalid', message, { source: 'operator' });
    }
    return parts.control.list(url);
  });
  app.post('/v1/cache/explain', async (request) => {
    queryOf(request, []);
    return parts.control.explain(read(request, parseExplain));
  });
}

/** Answers when no worker can answer with what was busted, and says in the log who asked for it. */
async function bust(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: AdminParts,
): Promise<unknown> {
  const wanted = read(request, parseBust);
  const answer = await parts.control.bust(wanted);
  const { position, entries, droppedMs, queued, late } = answer;
  const author = authorOf(request);
  const open = queued ? { queued, late } : {};
  parts.announce('bust', { author, position, entries, droppedMs, ...open, ...told(wanted) });
  if (queued) reply.code(202);
  return answer;
}

/** What was busted, of each kind that there is, up to the limit. */
function told({ all, soft, ...bust }: Bust): Record<string, unknown> {
  const fields: Record<string, unknown> = { soft, ...(all ? { all } : {}) };
  let room = bustToldCountMax;
  let leftOut = 0;
  for (const kind of ['tags', 'urls', 'keys', 'routes'] as const) {
    const items = bust[kind].slice(0, room);
    room -= items.length;
    leftOut += bust[kind].length - items.length;
    if (items.length > 0) fields[kind] = items;
  }
  return leftOut === 0 ? fields : { ...fields, leftOut };
}

function read<T>({ body }: FastifyRequest, parse: (text: string) => ParsedBody<T>): T {
  const parsed = parse(typeof body === 'string' ? body : '');
  if (parsed.ok) return parsed.value;
  const { problems, truncated } = parsed;
  const [first] = problems;
  const place = first === undefined || first.path === '' ? '' : `${first.path}: `;
  const hint = first?.hint == null ? '' : ` (${first.hint})`;
  throw new CutoverError('body-invalid', `${place}${first?.message ?? 'cannot be read'}${hint}`, {
    source: 'operator',
    context: { problems, truncated },
  });
}

function tooMany(): CutoverError {
  const message = `more than ${bustsPerSecondMax} busts a second (bustsPerSecondMax); name several tags in one`;
  return new CutoverError('bust-rate', message, { source: 'operator', retry: 'safe' });
}

function cacheOff(): CutoverError {
  const message = 'this node has no cache: its setting cache.memory is 0';
  return new CutoverError('cache-off', message, { source: 'operator' });
}
