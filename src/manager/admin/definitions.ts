import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { monotonicMs } from '../../base/clock.ts';
import { CutoverError } from '../../base/errors.ts';
import { applyWaitMsMax, noteLengthMax } from '../../base/limits.ts';
import { parseDurationMs } from '../../base/units.ts';
import { repeatsKey } from '../../model/json-keys.ts';
import {
  type Parsed,
  parseDefinitions,
  parseWritten,
  type Refused,
  readObject,
} from '../../model/parse.ts';
import { definitionsJsonSchema } from '../../model/schema.ts';
import {
  emptyWritten,
  isRecord,
  type ObjectKind,
  objectIn,
  writtenWith,
} from '../../model/written.ts';
import { type ApplyRequest, defaultWaitMs } from '../apply.ts';
import type { ApplyReport } from '../apply-report.ts';
import type { AdminParts } from './parts.ts';
import { authorOf, flagOf, ifMatchOf, queryOf } from './query.ts';

const applyQuery = ['note', 'dryRun', 'wait', 'require'] as const;
const applySetQuery = [...applyQuery, 'allowEmpty'] as const;

/** The set as a whole, and its objects one at a time. */
export function registerDefinitions(app: FastifyInstance, parts: AdminParts): void {
  app.get('/v1/definitions', async (request, reply) => {
    queryOf(request, []);
    return withTag(reply, parts).send(writtenOf(parts));
  });
  app.put('/v1/definitions', async (request, reply) => {
    const beganMs = monotonicMs();
    const parsed = parseBody(request, 'request body');
    const query = queryOf(request, applySetQuery);
    const allowEmpty = flagOf('allowEmpty', query.allowEmpty);
    const validateMs = monotonicMs() - beganMs;
    const report = await run(request, parts, query, { parsed, validateMs, allowEmpty });
    return answer(reply, parts, report);
  });
  app.post('/v1/diff', async (request) => {
    queryOf(request, []);
    const parsed = parseBody(request, 'request body');
    if (!parsed.ok) throw invalid(parsed);
    return { hash: parsed.hash, ...(await parts.apply.compare(parsed.definitions)) };
  });
  app.get('/v1/schema', async (request) => {
    queryOf(request, []);
    return definitionsJsonSchema();
  });
  registerObjects(app, parts, 'routes', 'id');
  registerObjects(app, parts, 'upstreams', 'name');
}

function registerObjects(
  app: FastifyInstance,
  parts: AdminParts,
  kind: ObjectKind,
  parameter: string,
): void {
  const path = `/v1/${kind}/:${parameter}`;
  const nameOf = (request: FastifyRequest): string =>
    (request.params as Record<string, string>)[parameter] ?? '';
  app.get(path, async (request, reply) => {
    queryOf(request, []);
    const found = objectIn(writtenOf(parts), kind, nameOf(request));
    if (found === undefined) throw unknownObject(kind, nameOf(request));
    return withTag(reply, parts).send(found);
  });
  app.put(path, async (request, reply) => {
    const beganMs = monotonicMs();
    const name = nameOf(request);
    const value = parseObject(request, kind, name);
    const parsed = parseWritten(writtenWith(writtenOf(parts), kind, name, value), 'definitions');
    return answer(reply, parts, await runOne(request, parts, parsed, beganMs));
  });
  app.delete(path, async (request, reply) => {
    const beganMs = monotonicMs();
    const name = nameOf(request);
    if (objectIn(writtenOf(parts), kind, name) === undefined) throw unknownObject(kind, name);
    const parsed = parseWritten(
      writtenWith(writtenOf(parts), kind, name, undefined),
      'definitions',
    );
    return answer(reply, parts, await runOne(request, parts, parsed, beganMs));
  });
}

/** One object changes by its name: to take the last route away so is meant. */
function runOne(
  request: FastifyRequest,
  parts: AdminParts,
  parsed: Parsed,
  beganMs: number,
): Promise<ApplyReport> {
  const query = queryOf(request, applyQuery);
  const validateMs = monotonicMs() - beganMs;
  return run(request, parts, query, { parsed, validateMs, allowEmpty: true });
}

function requireOf(text: string | undefined): ApplyRequest['require'] {
  if (text === undefined || text === 'all' || text === 'majority') return text ?? 'all';
  const message =
    'require is all or majority: how many live nodes must be ready before any switches';
  throw new CutoverError('query-invalid', message, { source: 'operator' });
}

async function run(
  request: FastifyRequest,
  parts: AdminParts,
  query: Partial<Record<(typeof applyQuery)[number], string>>,
  order: Pick<ApplyRequest, 'parsed' | 'validateMs' | 'allowEmpty'>,
): Promise<ApplyReport> {
  const waitMs = query.wait === undefined ? defaultWaitMs : parseDurationMs(query.wait);
  if (waitMs === null || waitMs <= 0 || waitMs > applyWaitMsMax) {
    const message = 'wait is a duration such as 5s, of 1h at most (applyWaitMsMax)';
    throw new CutoverError('query-invalid', message, { source: 'operator' });
  }
  return parts.apply.apply({
    ...order,
    author: authorOf(request),
    note: (query.note ?? '').slice(0, noteLengthMax),
    waitMs,
    require: requireOf(query.require),
    dryRun: flagOf('dryRun', query.dryRun),
    ifMatch: ifMatchOf(request),
  });
}

function answer(reply: FastifyReply, parts: AdminParts, report: ApplyReport): FastifyReply {
  return withTag(reply, parts).send(report);
}

function withTag(reply: FastifyReply, { apply }: AdminParts): FastifyReply {
  return reply.header('etag', `"${apply.hash}"`);
}

function writtenOf({ history }: AdminParts): ReturnType<typeof emptyWritten> {
  return history.head?.written ?? emptyWritten();
}

/**
 * JSON is tried first where the caller says so: it is read much faster than YAML. What is no JSON,
 * or gives a key twice, goes to the YAML reader, which says where and why. A body that says nothing
 * is refused: an empty set is written `{}`.
 */
function parseBody(request: FastifyRequest, file: string): Parsed {
  const text = typeof request.body === 'string' ? request.body : '';
  if (request.headers['content-type']?.includes('json') === true && !repeatsKey(text)) {
    try {
      return parseWritten(JSON.parse(text), file);
    } catch {
      // Not JSON.
    }
  }
  if (saysNothing(text)) {
    const message =
      'the body is empty; to take all definitions away, send {} with ?allowEmpty=true';
    throw new CutoverError('body-invalid', message, { source: 'operator' });
  }
  return parseDefinitions([{ file, text }]);
}

/** Blank lines, comments and document marks alone. */
function saysNothing(text: string): boolean {
  return text.split('\n').every((line) => /^\s*(#.*|---|\.\.\.)?\s*$/.test(line));
}

/** One object, as JSON or YAML; a route may leave its id out. */
function parseObject(request: FastifyRequest, kind: ObjectKind, name: string): unknown {
  const text = typeof request.body === 'string' ? request.body : '';
  const read = readObject(text);
  if (!read.ok) throw invalid(read);
  const { value } = read;
  if (!isRecord(value)) {
    const message = `one of the ${kind} is a map of its fields`;
    throw new CutoverError('body-invalid', message, { source: 'operator' });
  }
  if (kind === 'upstreams') return value;
  if (value['id'] !== undefined && value['id'] !== name) {
    const message = `the route's id is ${String(value['id'])}, but the call names ${name}`;
    throw new CutoverError('body-invalid', message, { source: 'operator' });
  }
  return { id: name, ...value };
}

function unknownObject(kind: ObjectKind, name: string): CutoverError {
  return new CutoverError('object-unknown', `there is no ${name} in ${kind}`, {
    source: 'operator',
  });
}

function invalid(parsed: Refused): CutoverError {
  return new CutoverError('definitions-invalid', 'the definitions have problems', {
    source: 'operator',
    context: { problems: parsed.problems, truncated: parsed.truncated },
  });
}
