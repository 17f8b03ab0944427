// Goal: only a response that may begin with a comment is given one. Method: heads as parsed.
import { expect, test } from 'vitest';
import { isOpenEventStream } from '../../../src/gateway/event-stream.ts';

function head(fields: Readonly<Record<string, string>>, contentLength = -1) {
  return {
    status: 200,
    names: Object.keys(fields),
    values: Object.values(fields),
    contentLength,
    connection: '',
    keepAliveSeconds: -1,
  };
}

test.each([
  [true, { 'content-type': 'text/event-stream' }],
  [true, { 'content-type': 'Text/Event-Stream ;charset=utf-8' }],
  [true, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache, x-no-transform-x' }],
  [false, { 'content-type': 'text/event-stream-like' }],
  [false, { 'content-type': 'text/plain; of=text/event-stream' }],
  [false, { 'content-type': 'text/event-stream', 'content-encoding': 'br' }],
  [false, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache,no-transform' }],
  [false, { 'cache-control': 'No-Transform', 'content-type': 'text/event-stream' }],
  [false, {}],
])('%s for %j', (wanted, fields) => {
  expect(isOpenEventStream(head(fields))).toBe(wanted);
});

test('false for one with a length', () => {
  expect(isOpenEventStream(head({ 'content-type': 'text/event-stream' }, 10))).toBe(false);
});
