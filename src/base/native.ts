import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What native/thread-guard.c exports; what concerns requests is in native/request-guard.c. */
interface ThreadGuard {
  watch(worker: number): boolean;
  remember(): number;
  onEnding(call: (worker: number) => void): boolean;
  letEnd(worker: number): boolean;
  cut(worker: number): boolean;
  isCut(worker: number): boolean;
  cutOwn(): boolean;
  nameThread(name: string): boolean;
  pinThread(processor: number): boolean;
  boundReceiving(bytes: number): number;
  guardRequests(headBytesMax: number): boolean;
  holdRequests(): number;
  releaseRequests(token: number): void;
  endRequests(token: number): void;
  backlogCount(): number;
}

/** Does nothing and says so: the twin for systems on which the addon is not built. */
const absent: ThreadGuard = {
  watch: () => false,
  remember: () => 0,
  onEnding: () => false,
  letEnd: () => false,
  cut: () => false,
  isCut: () => true,
  cutOwn: () => false,
  nameThread: () => false,
  pinThread: () => false,
  boundReceiving: () => 0,
  guardRequests: () => false,
  holdRequests: () => -1,
  releaseRequests: () => {},
  endRequests: () => {},
  backlogCount: () => 0,
};

const guard = load();

/** Whether the addon is there: without it the death of a worker ends the process. */
export const containsWorkerDeath = guard !== absent;

/** Notes the handles on this worker's event loop; call it before uWebSockets.js is loaded. */
export function watchLoopHandles(worker: number): boolean {
  return guard.watch(worker);
}

/** Notes what has come since: the handles of uWebSockets.js. Call it after the first app. */
export function rememberUwsHandles(): number {
  return guard.remember();
}

/**
 * In main: `call` hears of each worker whose thread is about to end, however it came to that, and
 * takes it out of those that connections are dealt to. The thread waits for that.
 */
export function onWorkerEnding(call: (worker: number) => void): boolean {
  return guard.onEnding((worker) => {
    call(worker);
    guard.letEnd(worker);
  });
}

/**
 * In main, before a worker is terminated: takes its connections away, so that it reads no further
 * request. False: there is nothing to wait for. Else `connectionsAreCut` says when it is done.
 */
export function cutConnections(worker: number): boolean {
  return guard.cut(worker);
}

export function connectionsAreCut(worker: number): boolean {
  return guard.isCut(worker);
}

/** In a worker that is about to end: the same for itself, at once. */
export function cutOwnConnections(): boolean {
  return guard.cutOwn();
}

/** Names this thread, in at most 15 bytes, for ps and top. */
export function nameThread(name: string): boolean {
  return guard.nameThread(name.slice(0, 15));
}

/** Binds this thread to one processor, counted from 0. */
export function pinThread(processor: number): boolean {
  return guard.pinThread(processor);
}

/**
 * Bounds what clients may send ahead of being read, for all sockets that this thread listens on and
 * all connections accepted from them; how many listen.
 */
export function boundReceiving(bytes: number): number {
  return guard.boundReceiving(bytes);
}

/**
 * Has requests read strictly before uWebSockets.js, which must be loaded, sees them, one at a time;
 * false: they are not. Of a head at most so many bytes are kept until it is whole.
 */
export function guardRequests(headBytesMax: number): boolean {
  return guard.guardRequests(headBytesMax);
}

/** The connection of the request that is being served gets no other one; a token, or -1. */
export function holdRequests(): number {
  return guard.holdRequests();
}

/** The request is answered: the connection's next one may come. */
export function releaseRequests(token: number): void {
  guard.releaseRequests(token);
}

/** Nothing more is read from the connection, which uWebSockets.js then closes. */
export function endRequests(token: number): void {
  guard.endRequests(token);
}

/** Connections of this thread that have not taken all that was written to them. */
export function backlogCount(): number {
  return guard.backlogCount();
}

/** The one place that loads the addon. */
function load(): ThreadGuard {
  const folder = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'build', 'native');
  const file = join(folder, 'thread-guard.node');
  if (!existsSync(file)) return absent;
  return createRequire(import.meta.url)(file) as ThreadGuard;
}
