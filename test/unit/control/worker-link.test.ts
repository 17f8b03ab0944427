// Goal: control believes of a worker only what it said of the question asked. Method: a real
// channel, the worker's end in hand.
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import { WorkerLink } from '../../../src/control/worker-link.ts';
import type { ShapeBytes } from '../../../src/memory/shape.ts';
import type { ToWorker } from '../../../src/memory/worker-messages.ts';

const bytes = new Uint8Array(new SharedArrayBuffer(8)) as ShapeBytes;
const longMs = 10_000;
const open: MessagePort[] = [];

afterEach(() => {
  for (const port of open.splice(0)) port.close();
});

function link() {
  const { port1, port2 } = new MessageChannel();
  open.push(port1, port2);
  const heard: ToWorker[] = [];
  const waiting: (() => void)[] = [];
  port2.on('message', (message: ToWorker) => {
    heard.push(message);
    for (const look of waiting.splice(0)) look();
  });
  const events: unknown[] = [];
  return {
    link: new WorkerLink(3, port1, {
      onEvent: (event) => events.push(event),
      onCache: (message) => events.push(message),
    }),
    worker: port2,
    events,
    heard: async (count: number): Promise<ToWorker[]> => {
      while (heard.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
      return heard;
    },
  };
}

function stageMessage(slot: number, generation: number) {
  return { kind: 'stage', slot, generation, bytes } as const;
}

/** What a worker answers to a message, with what tells it from others. */
function answerTo(message: ToWorker, error: string | null = null): object {
  const kind = message.kind === 'stage' ? 'staged' : 'switched';
  return { ...message, bytes: undefined, kind, worker: 3, error };
}

test('a question is asked as it is, and its answer is believed', async () => {
  const { link: one, worker, heard } = link();
  const staged = one.stage(stageMessage(5, 9), longMs);
  expect(await heard(1)).toMatchObject([{ kind: 'stage', slot: 5, generation: 9 }]);
  worker.postMessage(answerTo(stageMessage(5, 9)));
  expect(await staged).toEqual({ kind: 'done' });
  const switched = one.switchTo(5, 12, longMs);
  expect((await heard(2))[1]).toMatchObject({ kind: 'switch', slot: 5, revision: 12 });
  worker.postMessage(answerTo({ kind: 'switch', slot: 5, revision: 12 }));
  expect(await switched).toEqual({ kind: 'done' });
});

test('a worker that could not attach says why', async () => {
  const { link: one, worker } = link();
  const staged = one.stage(stageMessage(5, 9), longMs);
  worker.postMessage(answerTo(stageMessage(5, 9), 'no memory'));
  expect(await staged).toEqual({ kind: 'failed', error: 'no memory' });
});

test('a worker that does not answer is late', async () => {
  expect(await link().link.stage(stageMessage(5, 9), 1)).toEqual({ kind: 'late' });
});

test('a worker whose thread ended is lost, now and later', async () => {
  const { link: one } = link();
  const staged = one.stage(stageMessage(5, 9), longMs);
  one.lose();
  expect(await staged).toEqual({ kind: 'lost' });
  expect(await one.switchTo(5, 9, longMs)).toEqual({ kind: 'lost' });
});

test('an answer to another question is passed over', async () => {
  const { link: one, worker } = link();
  const staged = one.stage(stageMessage(5, 9), longMs);
  worker.postMessage(answerTo(stageMessage(4, 8)));
  worker.postMessage(answerTo({ kind: 'switch', slot: 5, revision: 9 }));
  worker.postMessage(answerTo(stageMessage(5, 9), 'the right one'));
  expect(await staged).toEqual({ kind: 'failed', error: 'the right one' });
});

test('news of an endpoint is no answer', async () => {
  const { link: one, worker, events } = link();
  const staged = one.stage(stageMessage(5, 9), longMs);
  const news = {
    kind: 'endpoint',
    worker: 3,
    upstream: 'u',
    origin: 'o',
    state: 'unhealthy',
    reason: 'x',
  };
  worker.postMessage(news);
  worker.postMessage(answerTo(stageMessage(5, 9)));
  await staged;
  expect(events).toEqual([news]);
});

test('a late answer does not count for the next generation in that slot', async () => {
  const { link: one, worker, heard } = link();
  expect(await one.stage(stageMessage(5, 9), 1)).toEqual({ kind: 'late' });
  const staged = one.stage(stageMessage(5, 10), longMs);
  await heard(2);
  worker.postMessage(answerTo(stageMessage(5, 9)));
  worker.postMessage(answerTo(stageMessage(5, 10), 'not attached'));
  expect(await staged).toEqual({ kind: 'failed', error: 'not attached' });
});

const request = { method: 'GET', host: 'a', path: '/', query: '', headers: [], body: null };

test('explanations are answered each by its own, in whatever order they come', async () => {
  const { link: one, worker, heard } = link();
  const asked = [one.explain(request, longMs), one.explain(request, longMs)];
  const ids = (await heard(2)).map((message) => (message.kind === 'explain' ? message.id : 0));
  expect(new Set(ids).size).toBe(2);
  for (const id of [...ids].reverse()) {
    worker.postMessage({ kind: 'explained', id, explanation: { route: `of ${id}` } });
  }
  expect(await Promise.all(asked)).toEqual(ids.map((id) => ({ route: `of ${id}` })));
});

test('an explanation that is late, and one of a worker that is lost, is none', async () => {
  const { link: one, worker, heard } = link();
  expect(await one.explain(request, 1)).toBeNull();
  const asked = one.explain(request, longMs);
  const [late] = await heard(2);
  worker.postMessage({ ...late, kind: 'explained', explanation: { route: 'late' } });
  one.lose();
  expect([await asked, await one.explain(request, longMs)]).toEqual([null, null]);
});
