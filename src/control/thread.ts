import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { present } from '../base/assert.ts';
import { nameThread } from '../base/native.ts';
import { yieldToDataPlane } from '../base/thread-priority.ts';
import type { Order } from '../model/orders.ts';
import { CacheKeeper } from './cache/cache-keeper.ts';
import { Reconciler } from './reconciler.ts';
import type { ControlStart, ControlToMain, MainToControl } from './start-message.ts';
import { WorkerLink } from './worker-link.ts';

/** Entry of the control thread: compiles, publishes, retires. */
const start = workerData as ControlStart;
const main = present(parentPort, 'control has a parent');
let manager: MessagePort = start.manager;
const links = new Map<number, WorkerLink>();
const keeper =
  start.memory.cache === null
    ? null
    : new CacheKeeper({
        memory: start.memory.cache,
        workerCount: start.memory.workerCount,
        seatCount: start.memory.seatCount,
        tell: (worker, message) => links.get(worker)?.tellCache(message),
      });
const reconciler = new Reconciler(start.memory, start.environment, (event) =>
  manager.postMessage(event),
);

nameThread('control');
yieldToDataPlane();
listen(manager);
main.on('message', (message: MainToControl) => {
  switch (message.kind) {
    case 'join':
      void join(message.worker, message.port);
      return;
    case 'lost':
      reconciler.lose(message.worker);
      links.delete(message.worker);
      keeper?.lose(message.worker);
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
    void reconciler.apply(order).then((answer) => port.postMessage(answer));
  });
}

async function join(worker: number, port: MessagePort): Promise<void> {
  const link = new WorkerLink(worker, port, {
    onEvent: (event) =>
      manager.postMessage({ ...event, worker: event.worker % start.memory.workerCount }),
    onCache: (message) => keeper?.receive(worker, message),
  });
  links.set(worker, link);
  if (await reconciler.join(link)) {
    main.postMessage({ kind: 'attached', worker } satisfies ControlToMain);
  }
}
