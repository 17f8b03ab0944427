import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { present } from '../base/assert.ts';
import { every } from '../base/clock.ts';
import { nameThread } from '../base/native.ts';
import { yieldToDataPlane } from '../base/thread-priority.ts';
import { ControlBlock } from '../memory/control-block.ts';
import type { Order } from '../model/orders.ts';
import { Reconciler } from './reconciler.ts';
import type { ControlStart, ControlToMain, MainToControl } from './start-message.ts';
import { WorkerLink } from './worker-link.ts';

/** Entry of the control thread: compiles, publishes, retires. */
const controlBeatMs = 250;
const start = workerData as ControlStart;
const main = present(parentPort, 'control has a parent');
let manager: MessagePort = start.manager;
const reconciler = new Reconciler(start.memory, (event) => manager.postMessage(event));

nameThread('control');
yieldToDataPlane();
const block = new ControlBlock(start.memory.control);
every(controlBeatMs, () => block.beatControl());
listen(manager);
main.on('message', (message: MainToControl) => {
  switch (message.kind) {
    case 'join':
      void join(message.worker, message.port);
      return;
    case 'lost':
      reconciler.lose(message.worker);
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
  const link = new WorkerLink(worker, port, (event) =>
    manager.postMessage({ ...event, worker: event.worker % start.memory.workerCount }),
  );
  if (await reconciler.join(link)) {
    main.postMessage({ kind: 'attached', worker } satisfies ControlToMain);
  }
}
