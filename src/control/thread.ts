import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { present } from '../base/assert.ts';
import { every, wallMs } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { nameThread } from '../base/native.ts';
import { yieldToDataPlane } from '../base/thread-priority.ts';
import type { CacheRecord } from '../memory/cache/cache-record.ts';
import { setProven } from '../memory/cache/proof.ts';
import { ControlBlock } from '../memory/control-block.ts';
import { sweepRateLimits } from '../memory/rate-limits/limit-watch.ts';
import type { FromWorker } from '../memory/worker-messages.ts';
import type { Bust } from '../model/bust.ts';
import { stepOf } from '../model/node-step.ts';
import type {
  Answer,
  AppliedAnswer,
  CheckOrder,
  ControlEvent,
  FleetOrder,
  Order,
  PublishOrder,
  StagedAnswer,
  StageOrder,
} from '../model/orders.ts';
import { CacheKeeper } from './cache/cache-keeper.ts';
import { answerCacheOrder } from './cache/cache-orders.ts';
import type { FleetPlan } from './fleet/fleet-plan.ts';
import { LoneNode, type NodePath } from './fleet/node-path.ts';
import type { SecondLevelRead } from './fleet/second-level.ts';
import { NodeCluster } from './node-cluster.ts';
import { Reconciler } from './reconciler.ts';
import { rejection } from './rejection.ts';
import { readSecrets } from './secrets.ts';
import type { ControlStart, ControlToMain, MainToControl } from './start-message.ts';
import { WorkerLink } from './worker-link.ts';

/** Entry of the control thread: compiles, publishes, retires. */
const controlBeatMs = 250;
const limitSweepMs = 2_000;
const start = workerData as ControlStart;
const main = present(parentPort, 'control has a parent');
let manager: MessagePort = start.manager;
/** In a cluster nobody could prove that it is fresh still; there the others' responses warm a node. */
const keptSnapshot = start.cluster.kind === 'memory' ? start.snapshotFile : null;
let snapshotFile = keptSnapshot;
let isServing = false;
const links = new Map<number, WorkerLink>();
const keeper =
  start.memory.cache === null
    ? null
    : new CacheKeeper({
        memory: start.memory.cache,
        workerCount: start.memory.workerCount,
        seatCount: start.memory.seatCount,
        tell: (worker, message) => links.get(worker)?.tellCache(message),
        invalidate: async (bust) => (await path).invalidate(bust),
        others: start.cluster.kind === 'memory' ? null : { share, readSecondLevel },
      });
const tell = (event: ControlEvent): void => manager.postMessage(event);
const reconciler = new Reconciler(start.memory, start.environment, tell, (shapeKeys) =>
  keeper?.shapesGone(shapeKeys),
);
const cluster: Promise<NodeCluster> | null =
  start.cluster.kind === 'memory'
    ? null
    : NodeCluster.join({
        settings: start.cluster,
        clusterKey: start.clusterKey,
        rateLimits: start.memory.rateLimits,
        nodeId: start.node.id,
        keeper,
        outboxFile: start.outboxFile,
        tell,
        prove: (untilMs) => {
          if (start.memory.cache !== null) setProven(start.memory.cache, untilMs);
        },
        shapeKeys: () => new Set(reconciler.active()?.shapeKeys.values()),
        state: ownState,
      });
const path: Promise<NodePath> = cluster ?? Promise.resolve(new LoneNode(start.node.id, keeper));
const cacheParts = {
  keeper,
  bust: async (bust: Bust) => (await path).bust(bust),
  workerCount: start.memory.workerCount,
  askable: () => reconciler.newestLink(),
};

nameThread('control');
yieldToDataPlane();
const block = new ControlBlock(start.memory.control);
every(controlBeatMs, () => block.beatControl());
every(limitSweepMs, () => sweepRateLimits(start.memory.rateLimits, wallMs()));
listen(manager);
main.on('message', (message: MainToControl) => {
  switch (message.kind) {
    case 'join':
      void join(message.worker, message.port);
      return;
    case 'lost':
      reconciler.lose(message.worker);
      tell({ kind: 'endpoint-gone', seat: message.worker, endpoint: null });
      links.delete(message.worker);
      keeper?.lose(message.worker);
      return;
    case 'stop':
      void stop();
      return;
    default:
      manager.close();
      manager = message.port;
      listen(manager);
      reconciler.introduce();
  }
});

function listen(port: MessagePort): void {
  port.on('message', (order: Order) => {
    void answer(order).then((answer) => port.postMessage(answer));
  });
}

async function answer(order: Order): Promise<Answer> {
  switch (order.kind) {
    case 'stage': {
      const answer = await reconciler.stage(order);
      if (answer.kind === 'staged') tellNodes(order, answer);
      return answer;
    }
    case 'publish': {
      const answer = await reconciler.publish(order);
      if (answer.kind !== 'applied') return answer;
      tellNodes(order, answer);
      begin();
      return answer;
    }
    case 'abandon':
      await reconciler.abandon(order.revision);
      return { kind: 'abandoned', id: order.id };
    case 'fleet':
      return askFleet(order);
    case 'check':
      return check(order);
    default:
      return answerCacheOrder(order, cacheParts);
  }
}

/** They wait for it: the way over the manager would take two turns more. What is rejected, it tells. */
function tellNodes(order: StageOrder | PublishOrder, answer: StagedAnswer | AppliedAnswer): void {
  if (order.tellsNodes !== true) return;
  const step = stepOf(order.revision, answer);
  // Who does not hear of it waits in vain, and says so.
  void path.then((its) => its.ask({ ask: 'tell', step })).catch(() => {});
}

async function askFleet({ id, ...ask }: FleetOrder): Promise<Answer> {
  try {
    return { kind: 'fleet', id, told: await (await path).ask(ask) };
  } catch (error) {
    return rejection(id, error);
  }
}

function check({ id, definitions }: CheckOrder): Answer {
  try {
    readSecrets(definitions, start.environment);
    return { kind: 'checked', id };
  } catch (error) {
    return rejection(id, error);
  }
}

function share(record: CacheRecord, body: Uint8Array): void {
  void cluster?.then((joined) => joined.share(record, body));
}

async function readSecondLevel(key: string, leaseMs: number | null): Promise<SecondLevelRead> {
  return (await cluster)?.readSecondLevel(key, leaseMs) ?? null;
}

/** What this node tells the others of itself. */
function ownState(): ReturnType<FleetPlan['state']> {
  const active = reconciler.active();
  return {
    region: start.node.region,
    revision: active?.revision ?? 0,
    hash: active?.hash ?? '',
  };
}

function begin(): void {
  if (!isServing) void path.then((its) => its.serves());
  isServing = true;
  takeSnapshot();
}

/** What the last stop left of the cache, once, when it is known which shapes are in use. */
function takeSnapshot(): void {
  const file = snapshotFile;
  snapshotFile = null;
  if (file === null || keeper === null) return;
  const report = keeper.readSnapshot(file, new Set(reconciler.active()?.shapeKeys.values()));
  tell({ kind: 'snapshot', what: 'read', ...report });
}

async function stop(): Promise<void> {
  const file = keptSnapshot;
  if (file !== null && keeper !== null) {
    try {
      const report = keeper.writeSnapshot(file);
      tell({ kind: 'snapshot', what: 'written', ...report });
    } catch (error) {
      const problem = messageOf(error);
      tell({ kind: 'snapshot', what: 'written', entries: 0, bytes: 0, problem });
    }
  }
  await (await path).leave();
  main.postMessage({ kind: 'stopped' } satisfies ControlToMain);
}

function tellEndpoint(event: Extract<FromWorker, { kind: 'endpoint' }>): void {
  const { worker: seat, upstream, origin, state } = event;
  if (state === 'gone') tell({ kind: 'endpoint-gone', seat, endpoint: { upstream, origin } });
  else tell({ ...event, state, worker: seat % start.memory.workerCount, seat });
}

async function join(worker: number, port: MessagePort): Promise<void> {
  const link = new WorkerLink(worker, port, {
    onEvent: tellEndpoint,
    onCache: (message) => keeper?.receive(worker, message),
  });
  links.set(worker, link);
  if (keeper !== null) link.tellCache({ kind: 'cache-open' });
  if (await reconciler.join(link)) {
    main.postMessage({ kind: 'attached', worker } satisfies ControlToMain);
  }
}
