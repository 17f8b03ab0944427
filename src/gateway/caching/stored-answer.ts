import type { EntryView } from '../../memory/cache/cache-entry.ts';
import { entryFlag } from '../../memory/cache/cache-record.ts';
import { requestBit } from '../door.ts';
import type { Exchange } from '../exchange.ts';
import type { HeaderList } from '../header-list.ts';
import { asBytes, prepareHead, statusText } from '../response-head.ts';
import { endWithoutBody } from '../response-relay.ts';
import { ageAndStatus } from './age-line.ts';
import { answerCondition, notModifiedHeaders } from './conditions.ts';
import { dateOfOrigin } from './origin-fields.ts';
import { chooseRange, partialHeaders, unsatisfiableHeaders } from './ranges.ts';
import { parseHead } from './stored-head.ts';
import { StoredStream } from './stored-stream.ts';
import type { WorkerCache } from './worker-cache.ts';

/** Requests that ask for less than the whole stored response. */
const conditionalBits = requestBit.condition | requestBit.range;

/**
 * Answers with the entry that the reader has found, inside its epoch. `status`: our member of
 * Cache-Status (RFC 9211). True: the answer is complete; false: its body follows over later turns.
 */
export function answerStored(
  exchange: Exchange,
  cache: WorkerCache,
  status: string,
  nowMs: number,
): boolean {
  const { entry } = cache.reader;
  const age = ageAndStatus(ageSeconds(entry, nowMs), status);
  if (!exchange.detained) return answer(exchange, cache, entry, age);
  let done = true;
  exchange.res.cork(() => {
    done = answer(exchange, cache, entry, age);
  });
  return done;
}

function answer(exchange: Exchange, cache: WorkerCache, entry: EntryView, age: string): boolean {
  const { res, headers } = exchange;
  exchange.status = entry.status;
  if ((headers.cacheBits & conditionalBits) !== 0) {
    const part = answerPart(exchange, cache, entry, age);
    if (part !== null) return part;
  }
  const whole = entry.state === 'live' && entry.contiguous;
  if (!whole && exchange.method !== 'HEAD') {
    const head = `${headText(exchange, entry)}\r\nage: ${age}`;
    return new StoredStream(exchange, cache, head, null).start();
  }
  if ((entry.flags & entryFlag.perAnswerPolicies) === 0) res.writeStatus(entry.headBytes());
  else res.writeStatus(asBytes(headText(exchange, entry)));
  res.writeHeader('age', age);
  if (exchange.method === 'HEAD') {
    endWithoutBody(res, entry.bodyBytes, exchange.closes);
    return true;
  }
  if (entry.status === 204) {
    sendBodyless(exchange);
    return true;
  }
  exchange.bytesOut = entry.bodyBytes;
  res.end(entry.body(), exchange.closes);
  return true;
}

/** The head to send, after the policies that differ from answer to answer. */
function headText(exchange: Exchange, entry: EntryView): string {
  const text = entry.headText();
  if ((entry.flags & entryFlag.perAnswerPolicies) === 0) return text;
  const { status, headers } = parseHead(text);
  for (const policy of exchange.plan?.responsePolicies ?? []) policy.onResponse(exchange, headers);
  return prepareHead(status, headers);
}

/** Seconds since the response was made (RFC 9111, section 4.2.3). */
function ageSeconds({ bornMs }: EntryView, nowMs: number): number {
  return Math.max(0, Math.floor((nowMs - bornMs) / 1000));
}

/** 304, 206 or 416 where the request asks for less; null: the whole is to be sent. */
function answerPart(
  exchange: Exchange,
  cache: WorkerCache,
  entry: EntryView,
  age: string,
): boolean | null {
  const { headers, method } = exchange;
  const { status, etag, lastModified } = entry;
  const stored = { status, etag, lastModified, date: dateOfOrigin(entry.origin) };
  const condition = answerCondition(method, headers, stored);
  const fields = (): HeaderList => parseHead(headText(exchange, entry)).headers;
  if (condition === 'not-modified') {
    sendPart(exchange, age, 304, notModifiedHeaders(fields()), null);
    return true;
  }
  const { bodyBytes } = entry;
  if (entry.status !== 200 || bodyBytes < 0) return null;
  const range = chooseRange(method, headers, stored, bodyBytes);
  if (range === 'ignore') return null;
  if (range === 'unsatisfiable') {
    sendPart(exchange, age, 416, unsatisfiableHeaders(bodyBytes), noBytes);
    return true;
  }
  const partial = partialHeaders(fields(), range, bodyBytes);
  if (entry.state !== 'live' || !entry.contiguous) {
    exchange.status = 206;
    const head = prepareHead(statusText(206), partial);
    const whole = `${head}\r\nage: ${age}`;
    return new StoredStream(exchange, cache, whole, range).start();
  }
  const bytes = entry.body().subarray(range.from, range.to);
  sendPart(exchange, age, 206, partial, bytes);
  return true;
}

const noBytes = new Uint8Array(0);

/** `body` null: a status that has none. */
function sendPart(
  exchange: Exchange,
  age: string,
  status: number,
  headers: HeaderList,
  body: Uint8Array | null,
): void {
  const { res, method } = exchange;
  exchange.status = status;
  res.writeStatus(asBytes(prepareHead(statusText(status), headers)));
  res.writeHeader('age', age);
  if (body === null) sendBodyless(exchange);
  else if (method === 'HEAD') endWithoutBody(res, body.length, exchange.closes);
  else {
    exchange.bytesOut = body.length;
    res.end(body, exchange.closes);
  }
}

/** The end of a 204 or 304, which has neither a body nor a length. */
function sendBodyless(exchange: Exchange): void {
  endWithoutBody(exchange.res, -1, exchange.closes);
  if (exchange.closes) exchange.endConnection();
}
