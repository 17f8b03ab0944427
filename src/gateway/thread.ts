import { parentPort, workerData } from 'node:worker_threads';
import { present } from '../base/assert.ts';
import { cancel, every, monotonicMs, sleep } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import {
  backlogCount,
  cutOwnConnections,
  nameThread,
  rememberUwsHandles,
  watchLoopHandles,
} from '../base/native.ts';
import { type LinkedApp, loadUws, type TemplatedApp } from '../base/uws.ts';
import type { DescribedRequest, Explanation } from '../memory/cache/explanation.ts';
import { WorkerWords, workerState } from '../memory/control-block.ts';
import { LedgerWriter } from '../memory/ledger.ts';
import { SegmentScratch } from '../memory/matcher.ts';
import { RateLimiter } from '../memory/rate-limits/rate-limiter.ts';
import { SeriesWriter } from '../memory/series.ts';
import type { FromWorker, ToWorker } from '../memory/worker-messages.ts';
import { ExchangeRecorder } from '../telemetry/recorder.ts';
import { AccessLogger } from './access-log.ts';
import { WorkerCache } from './caching/worker-cache.ts';
import { explain } from './explaining.ts';
import { cutOff } from './forwarding.ts';
import { Generation } from './generation.ts';
import { cacheHooks, serve } from './pipeline.ts';
import type { MainToWorker, WorkerStart, WorkerToMain } from './start-message.ts';
import { EndpointRegistry } from './upstream/endpoint-registry.ts';
import { UpstreamMemory } from './upstream/upstream-plan.ts';
import { WorkerContext } from './worker-context.ts';

/** Entry of a worker thread: builds the app, follows control's messages, serves. */
const beatMs = 100;
const logFlushMs = 200;
/** While draining: how long nothing must run before the app, with its idle connections, closes. */
const quietMs = 250;
const drainStepMs = 25;

const start = workerData as WorkerStart;
const main = present(parentPort, 'a worker has a parent');

// Before uWebSockets.js makes its handles, so that they can be told from Node's own.
watchLoopHandles(start.seat);
nameThread(`worker-${start.index}`);

const words = new WorkerWords(start.memory.control, start.seat);
const ledger = new LedgerWriter(start.memory.ledgers, start.seat);
const series = new SeriesWriter(start.memory.series, start.seat);
let { logs, control } = start;
const access = new AccessLogger(start.settings.log.access, `worker-${start.index}`, (batch) =>
  logs.postMessage(batch),
);
const context = new WorkerContext({
  index: start.index,
  settings: start.settings,
  words,
  ledger,
  recorder: new ExchangeRecorder(ledger, series),
  access,
  startId: start.startId,
  cache: openWorkerCache(),
  limiter: new RateLimiter(start.memory.rateLimits, start.seat),
});
const registry = new EndpointRegistry(({ upstreamName, origin }, state, reason) => {
  tellControl({
    kind: 'endpoint',
    worker: start.seat,
    upstream: upstreamName,
    origin,
    state,
    reason,
  });
});
const attachContext = {
  segments: new SegmentScratch(),
  judge: context.judge,
  registry,
  upstreamMemory: new UpstreamMemory(),
  workerIndex: start.index,
};

// A request that is read after this would have no answer, which ends the process.
process.on('exit', () => cutOwnConnections());
process.on('uncaughtException', (error) => broken(error));
process.on('unhandledRejection', (error) => broken(error));
words.setState(workerState.starting);
const beat = every(beatMs, () => words.beat());
const flush = every(logFlushMs, () => access.flush());
followControl();
main.on('message', (message: MainToWorker) => {
  if (message.kind === 'logs') logs = message.port;
  else if (message.kind === 'drain') void drain(message.timeoutMs);
  else {
    control.close();
    control = message.port;
    context.cache?.controlLost();
    followControl();
  }
});
const app = openApp();

function openWorkerCache(): WorkerCache | null {
  const { memory, settings, seat } = start;
  if (memory.cache === null || settings.cache === null) return null;
  return new WorkerCache({
    memory: memory.cache,
    worker: seat,
    entryBytesMax: settings.cache.entryBytesMax,
    hasSecondLevel: settings.cluster.kind !== 'memory',
    tell: (message, transfer) => control.postMessage(message, transfer),
    hooks: cacheHooks,
  });
}

function openApp(): TemplatedApp & LinkedApp {
  const uws = loadUws();
  uws._cfg('silent');
  const opened = uws.App() as TemplatedApp & LinkedApp;
  rememberUwsHandles();
  let connections = 0;
  // biome-ignore lint/suspicious/useIterableCallbackReturn: this filter is of uWebSockets.js
  opened.filter((_res, change) => {
    connections += Number(change) > 0 ? 1 : -1;
    words.setConnections(connections);
  });
  opened.any('/*', (res, req) => serve(context, res, req));
  // A child app must have listened once before its descriptor is given away (platform fact).
  opened.listen('127.0.0.1', 0, (socket) => {
    present(socket || null, 'a worker can listen on a free port of the loopback address');
    if (socket) uws.us_listen_socket_close(socket);
    tellMain({ kind: 'descriptor', descriptor: opened.getDescriptor() });
  });
  return opened;
}

/** Its line closes when control's thread has ended, long before main has another one ready. */
function followControl(): void {
  const line = control;
  line.on('message', follow);
  line.on('close', () => {
    if (line === control) context.cache?.controlLost();
  });
}

function follow(message: ToWorker): void {
  switch (message.kind) {
    case 'stage':
      stage(message);
      return;
    case 'switch':
      switchTo(message.slot);
      words.setState(context.draining ? workerState.draining : workerState.ready);
      tellControl({ ...message, kind: 'switched', worker: start.seat });
      return;
    case 'retire':
      context.generations[message.slot]?.detach();
      context.generations[message.slot] = undefined;
      for (const number of message.dropped) series.release(number);
      return;
    case 'explain':
      tellControl({ kind: 'explained', id: message.id, explanation: explained(message.request) });
      return;
    default:
      context.cache?.receive(message);
  }
}

/** Null: a mistake of ours, which must not end the worker. */
function explained(request: DescribedRequest): Explanation | null {
  try {
    return explain(context, request);
  } catch (error) {
    access.note('error', 'explain crashed', {
      detail: messageOf(error),
      stack: error instanceof Error ? error.stack : undefined,
    });
    return null;
  }
}

function switchTo(slot: number): void {
  const generation = context.generations[slot];
  generation?.activate();
  words.setSwitchedTo(generation?.number ?? 0);
}

function stage({ slot, generation, bytes }: Extract<ToWorker, { kind: 'stage' }>): void {
  let error: string | null = null;
  try {
    ledger.attach(slot, generation);
    context.generations[slot] = new Generation(generation, slot, bytes, attachContext);
  } catch (thrown) {
    error = messageOf(thrown);
  }
  tellControl({ kind: 'staged', worker: start.seat, slot, generation, error });
}

/** Lets running exchanges finish, and clients take what was written, within the time; then closes. */
async function drain(timeoutMs: number): Promise<void> {
  if (context.draining) return;
  context.draining = true;
  words.setState(workerState.draining);
  const deadlineMs = monotonicMs() + timeoutMs;
  let quietSinceMs = monotonicMs();
  while (monotonicMs() < deadlineMs) {
    if (context.running.count > 0 || backlogCount() > 0) quietSinceMs = monotonicMs();
    if (monotonicMs() - quietSinceMs >= quietMs) break;
    await sleep(drainStepMs);
  }
  const late = context.running.list();
  for (const exchange of late) cutOff(exchange);
  app.close();
  for (const generation of context.generations) generation?.detach();
  access.flush();
  cancel(beat);
  cancel(flush);
  control.close();
  tellMain({ kind: 'closed', cutOff: late.length });
  main.close();
}

function broken(error: unknown): void {
  access.note('error', 'worker broken', {
    detail: messageOf(error),
    stack: error instanceof Error ? error.stack : undefined,
  });
  access.flush();
  tellMain({ kind: 'broken', message: messageOf(error) });
}

function tellMain(message: WorkerToMain): void {
  main.postMessage(message);
}

function tellControl(message: FromWorker): void {
  control.postMessage(message);
}
