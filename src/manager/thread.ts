import { parentPort, workerData } from 'node:worker_threads';
import { present } from '../base/assert.ts';
import { every } from '../base/clock.ts';
import { CutoverError, messageOf } from '../base/errors.ts';
import { createLog, writeRecord } from '../base/log.ts';
import type { LogBatch } from '../base/log-record.ts';
import { nameThread } from '../base/native.ts';
import { yieldToDataPlane } from '../base/thread-priority.ts';
import type { ControlEvent } from '../model/orders.ts';
import { type Problem, printProblem } from '../model/problem.ts';
import { Collector } from '../telemetry/collector.ts';
import { AccessToken } from './access-token.ts';
import { buildAdmin } from './admin/server.ts';
import { Apply } from './apply.ts';
import { ControlClient } from './control-client.ts';
import { EventStream } from './event-stream.ts';
import { ClusterFleet, LoneFleet } from './fleet.ts';
import { Following, type FollowingParts } from './following.ts';
import { lockFolder } from './history/folder-lock.ts';
import { History } from './history/history.ts';
import type { Revision } from './history/revision.ts';
import { RevisionLedgers } from './revision-ledgers.ts';
import { Served } from './served.ts';
import { type StartCluster, startDefinitions } from './start-definitions.ts';
import type { FromManager, ManagerStart, ToManager } from './thread-messages.ts';

/** Entry of the manager's thread: history, the admin interface, the log. */
const start = workerData as ManagerStart;
const main = present(parentPort, 'the manager has a parent');
const { settings } = start;
const log = createLog('manager', settings.log.level);
const workerLog = createLog(null, settings.log.level);
/** A node that does not serve what the cluster has for longer is not ready. */
const behindMsMax = 2_000;
const stateMs = 1_000;
let nodeState: 'starting' | 'serving' | 'draining' = 'starting';

nameThread('manager');
yieldToDataPlane();
run().catch((error) => {
  const problems = error instanceof CutoverError ? error.context['problems'] : undefined;
  const lines = Array.isArray(problems) ? (problems as Problem[]).map(printProblem) : [];
  tellMain({ kind: 'refused', lines: [messageOf(error), ...lines] });
});

async function run(): Promise<void> {
  const unlock = settings.data === null ? async () => {} : await lockFolder(settings.data);
  const history = await History.open(settings.data);
  for (const file of history.unreadable) log.warn({ file }, 'a revision cannot be read: left out');
  const token = await AccessToken.open(settings.data, (made) =>
    log.warn({ token: made }, 'no data folder: this admin token is for this run only'),
  );
  const collector = new Collector(start.memory);
  const ledgers = new RevisionLedgers();
  const events = new EventStream(() => ({
    generations: collector.generations(),
    workers: collector.workers(),
    cache: collector.cache(),
  }));
  const control: ControlClient = new ControlClient(start.control, (event) => {
    if (event.kind === 'follow') cluster?.following.receive(event);
    else void onEvent(event, { collector, ledgers, events, history });
  });
  const served = new Served(history, control);
  const cluster = clusterOf({ served, history, announce }, control);
  const apply = new Apply({
    nodeId: settings.node.id,
    history,
    served,
    fleet: cluster?.fleet ?? new LoneFleet(),
    control,
    activeLedger: () => collector.active()?.ledger ?? null,
    announce,
  });
  const admin = buildAdmin({
    nodeId: settings.node.id,
    region: settings.node.region,
    token,
    apply,
    history,
    collector,
    ledgers,
    events,
    control,
    announce,
    notReady: () => whyNotReady(collector),
  });
  main.on('message', (message: ToManager) => void follow(message));
  const address = await admin.listen(settings.admin).catch(cannotListen);
  tellMain({ kind: 'listening', host: settings.admin.host, port: Number(new URL(address).port) });
  const path = start.definitionsPath;
  await startDefinitions({ apply, served, history, path, log, cluster });
  cluster?.following.begin();
  await warmUp(cluster);
  if (cluster !== null) every(stateMs, () => void tellState(cluster, collector));
  tellMain({ kind: 'active', revision: history.head?.revision ?? 0 });

  function announce(event: string, fields: Record<string, unknown>): void {
    log.info(fields, event);
    events.send(event, fields);
  }

  async function follow(message: ToManager): Promise<void> {
    switch (message.kind) {
      case 'log-port':
        message.port.on('message', (batch: LogBatch) => writeBatch(batch));
        return;
      case 'node-state':
        nodeState = message.state;
        return;
      case 'control-port':
        control.replacePort(message.port);
        // Until it is there, workers serve on the shape that they have.
        await served.restore().catch((error) => {
          log.error({ detail: messageOf(error) }, 'the shape could not be given to a new control');
        });
        return;
      default:
        events.close();
        await admin.close();
        await unlock();
        control.close();
        tellMain({ kind: 'stopped' });
        main.close();
    }
  }
}

interface Followers {
  readonly collector: Collector;
  readonly ledgers: RevisionLedgers;
  readonly events: EventStream;
  readonly history: History;
}

/** What control tells, into the figures' names, the events, the log and the history. */
async function onEvent(
  event: ControlEvent,
  { collector, ledgers, events, history }: Followers,
): Promise<void> {
  if (event.kind === 'names') {
    collector.learn(event.given, event.dropped);
    return;
  }
  if (event.kind === 'cluster-figures') {
    collector.learnCluster(event.figures, event.fleet);
    return;
  }
  if (event.kind === 'endpoint-gone') {
    collector.endpoints.forget(event.seat, event.endpoint);
    return;
  }
  if (event.kind === 'endpoint') collector.endpoints.learn(event);
  events.send(event.kind, event);
  if (event.kind === 'reused') {
    log.info(event, 'generation reused');
    await keepLedger(history, event.revision, {
      ledger: ledgers.reused(event.generation, event.ledger),
    });
    return;
  }
  if (event.kind !== 'retired') {
    log['problem' in event && event.problem !== null ? 'warn' : 'info'](event, event.kind);
    return;
  }
  const { generation, revision, balanced } = event;
  log[balanced ? 'info' : 'error'](event, 'generation retired');
  const ledger = ledgers.retired(generation, event.ledger);
  await keepLedger(history, revision, { ledger, balanced });
}

async function keepLedger(
  history: History,
  revision: number,
  counts: Pick<Revision, 'ledger' | 'balanced'>,
): Promise<void> {
  const kept = history.get(revision);
  if (kept === null) return;
  // A full disk is no reason to end the manager: the ledger is in the log.
  await history.record({ ...kept, ...counts }).catch((error) => {
    log.error({ revision, detail: messageOf(error) }, 'the ledger of a revision was not kept');
  });
}

/** Null: the node is on its own. */
function clusterOf(
  parts: Omit<FollowingParts, 'fleet'>,
  control: ControlClient,
): StartCluster | null {
  if (settings.cluster.kind === 'memory') return null;
  const fleet = new ClusterFleet(control);
  return { fleet, following: new Following({ ...parts, fleet }) };
}

/** A new node begins with what the others use most; what that fails at is told, and no reason to wait. */
async function warmUp(cluster: StartCluster | null): Promise<void> {
  const { budgetMs, bytesMax } = settings.warm;
  if (cluster === null || budgetMs === 0) return;
  try {
    log.info(await cluster.fleet.warm(budgetMs, bytesMax), 'warmed up by other nodes');
  } catch (error) {
    log.warn({ detail: messageOf(error) }, 'not warmed up by other nodes');
  }
}

/** For the other nodes. What fails is told anew in a second. */
async function tellState({ fleet }: StartCluster, collector: Collector): Promise<void> {
  const notReady = whyNotReady(collector) ?? '';
  const workers = collector
    .workers()
    .map(({ state, generation, revision }) => ({ state, generation, revision }));
  const cache = collector.cache();
  await fleet.tellState({ ready: notReady === '', notReady, workers, cache }).catch(() => {});
}

/** Null: it is. */
function whyNotReady(collector: Collector): string | null {
  if (nodeState !== 'serving') return `the node is ${nodeState}`;
  const { behindMs = 0, headRevision = 0 } = collector.fleet ?? {};
  if (behindMs > behindMsMax) {
    return `the cluster has revision ${headRevision}, and this node does not serve it; its log says why`;
  }
  return collector.workers().some(({ state }) => state === 'ready') ? null : 'no worker serves';
}

function cannotListen(cause: unknown): never {
  const { host, port } = settings.admin;
  const message = `the admin interface cannot listen on ${host}:${port} (${messageOf(cause)}); choose another with --set admin.port=PORT`;
  throw new CutoverError('listen-failed', message, { source: 'operator', cause });
}

function writeBatch({ records, dropped }: LogBatch): void {
  for (const record of records) writeRecord(workerLog, record);
  if (dropped > 0)
    log.warn({ dropped }, 'log records were dropped: more came than could be written');
}

function tellMain(message: FromManager): void {
  main.postMessage(message);
}
