import { randomBytes } from 'node:crypto';
import { MessageChannel, type Worker } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { monotonicMs, sleep } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { createLog, type Log } from '../base/log.ts';
import { containsWorkerDeath, nameThread, onWorkerEnding } from '../base/native.ts';
import type { ControlStart, ControlToMain, MainToControl } from '../control/start-message.ts';
import type { FromManager, ManagerStart, ToManager } from '../manager/thread-messages.ts';
import { ControlBlock } from '../memory/control-block.ts';
import { type NodeMemory, seatsPerWorker } from '../memory/node-memory.ts';
import type { Settings } from '../model/settings.ts';
import { Acceptor } from './acceptor.ts';
import { outboxFileOf, snapshotFileOf, snapshotMsMax, stopControl } from './control-stop.ts';
import { clearUpAfter } from './dead-worker.ts';
import { memoryOf } from './memory-of.ts';
import type { NodeOptions } from './node-options.ts';
import { Planes } from './planes.ts';
import { Respawns } from './respawns.ts';
import { startWatchdogs, type Watchdog } from './watchdog.ts';
import { type WorkerListener, WorkerThread } from './worker-thread.ts';

/** Ctrl-C under npm comes twice, from the terminal and from npm: that is one wish, not two. */
const sameAskMs = 1_000;
/** Beyond the drain's own time, until threads that do not answer are ended. */
const stopMarginMs = 2_000;

/**
 * Main: births and deaths. Starts control, manager and workers, deals connections, replaces what
 * dies, and takes everything down in order. Resolves to the exit code when all has ended.
 */
export class GatewayNode {
  readonly #options: NodeOptions;
  readonly #settings: Settings;
  readonly #log: Log;
  readonly #memory: NodeMemory;
  readonly #block: ControlBlock;
  readonly #acceptor: Acceptor;
  /** By seat. */
  readonly #workers: (WorkerThread | undefined)[] = [];
  readonly #respawns = new Respawns();
  readonly #planes: Planes;
  readonly #startId = randomBytes(4).toString('hex');
  readonly #watchdog: Watchdog;
  readonly #controlWatchdog: Watchdog;
  #control: Worker;
  #manager: Worker;
  #managerEnded: Promise<void> = Promise.resolve();
  #stopping = false;
  #stopAskedMs = 0;
  #adminUrl = '';
  #activeRevision: number | null = null;
  #listening = false;
  #finish: (code: number) => void = () => {};
  readonly finished: Promise<number>;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#log = createLog('main', options.settings.log.level);
    this.#planes = new Planes(this.#log, () => this.#stopping);
    this.#memory = memoryOf(options);
    this.#block = new ControlBlock(this.#memory.control);
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
    nameThread('main');
    this.#acceptor = new Acceptor(options.settings.limits.headerBytes);
    if (!this.#acceptor.strict) {
      this.#log.warn('native parts are not built: requests are read as uWebSockets.js does');
    }
    if (!containsWorkerDeath) {
      this.#log.warn('native parts are not built: the death of a worker will end the process');
    }
    onWorkerEnding((seat) => this.#ends(seat));
    const orders = new MessageChannel();
    this.#control = this.#spawnControl(orders.port1);
    this.#manager = this.#spawnManager(orders.port2);
    for (let index = 0; index < options.settings.workers; index++) this.#spawnWorker(index);
    const dogs = startWatchdogs(this.#block, {
      workerWedged: (seat, silentMs) => {
        this.#log.error({ seat, silentMs }, 'worker wedged, replacing it');
        this.#ends(seat);
      },
      controlWedged: (silentMs) => {
        this.#log.error({ silentMs }, 'control wedged, replacing it');
        void this.#control.terminate();
      },
    });
    this.#watchdog = dogs.ofWorkers;
    this.#controlWatchdog = dogs.ofControl;
  }

  /** Drains and ends everything; asked again later, it ends everything at once, with exit code 1. */
  async stop(reason: string): Promise<void> {
    if (this.#stopping) {
      if (monotonicMs() - this.#stopAskedMs < sameAskMs) return;
      this.#log.warn({ reason }, 'asked again: ending without the rest of the drain');
      await this.#endAll(1);
      return;
    }
    this.#stopping = true;
    this.#stopAskedMs = monotonicMs();
    const { timeoutMs } = this.#settings.drain;
    this.#log.info({ reason, timeoutMs }, 'draining; a second signal, later, ends it at once');
    this.#tellManager({ kind: 'node-state', state: 'draining' });
    this.#acceptor.stopListening();
    const workers = this.#workers.filter((worker) => worker !== undefined);
    for (const worker of workers) {
      worker.ending = true;
      worker.send({ kind: 'drain', timeoutMs });
    }
    const ended = Promise.all(workers.map((worker) => worker.ended));
    await Promise.race([ended, sleep(timeoutMs + stopMarginMs)]);
    for (const worker of this.#workers) worker?.kill();
    await ended;
    this.#acceptor.close();
    // A snapshot is written in one turn, which may take longer than a control that is well does.
    this.#controlWatchdog.forget(0);
    await Promise.race([stopControl(this.#control), sleep(snapshotMsMax)]);
    // It closes the admin interface and the history; one that hangs or died does not hold the end up.
    this.#tellManager({ kind: 'stop' });
    await Promise.race([this.#managerEnded, sleep(stopMarginMs)]);
    await this.#endAll(0);
  }

  #spawnControl(manager: ControlStart['manager']): Worker {
    const start: ControlStart = {
      memory: this.#memory,
      manager,
      environment: this.#options.environment,
      snapshotFile: snapshotFileOf(this.#settings),
      outboxFile: outboxFileOf(this.#settings),
      node: this.#settings.node,
      cluster: this.#settings.cluster,
      clusterKey: this.#options.clusterKey,
    };
    const control = this.#planes.start('control', start, [manager], () => this.#replaceControl());
    control.on('message', (message: ControlToMain) => {
      if (message.kind === 'attached') this.#attached(message.worker);
    });
    return control;
  }

  /** A new control starts with nothing loaded; workers serve on what they have until it applies. */
  #replaceControl(): void {
    const orders = new MessageChannel();
    this.#control = this.#spawnControl(orders.port1);
    this.#controlWatchdog.watch(0, monotonicMs());
    this.#tellManager({ kind: 'control-port', port: orders.port2 }, [orders.port2]);
    for (const worker of this.#workers) {
      if (worker === undefined) continue;
      const line = new MessageChannel();
      worker.send({ kind: 'control', port: line.port1 }, [line.port1]);
      this.#tellControl({ kind: 'join', worker: worker.seat, port: line.port2 }, [line.port2]);
    }
  }

  #spawnManager(control: MessageChannel['port2']): Worker {
    const start: ManagerStart = {
      settings: this.#settings,
      definitionsPath: this.#options.definitionsPath,
      memory: this.#memory,
      control,
    };
    const manager = this.#planes.start('manager', start, [control], () => this.#replaceManager());
    this.#managerEnded = new Promise((resolve) => {
      manager.on('exit', () => resolve());
    });
    manager.on('message', (message: FromManager) => void this.#fromManager(message));
    return manager;
  }

  #replaceManager(): void {
    const orders = new MessageChannel();
    this.#control.postMessage({ kind: 'manager', port: orders.port1 } satisfies MainToControl, [
      orders.port1,
    ]);
    this.#manager = this.#spawnManager(orders.port2);
    if (this.#listening) this.#tellManager({ kind: 'node-state', state: 'serving' });
    for (const worker of this.#workers) {
      if (worker === undefined) continue;
      const port = this.#logPort();
      worker.send({ kind: 'logs', port }, [port]);
    }
  }

  async #fromManager(message: FromManager): Promise<void> {
    switch (message.kind) {
      case 'listening':
        this.#adminUrl = `http://${message.host}:${message.port}`;
        return;
      case 'active':
        this.#activeRevision = message.revision;
        await this.#openDoor();
        return;
      case 'refused':
        if (!this.#listening) return this.#refuse(message.lines);
        // A successor: the node serves on, and it is tried again.
        this.#log.error({ lines: message.lines }, 'manager cannot start, starting it again');
        await this.#manager.terminate();
        return;
      default:
        await this.#endAll(0);
    }
  }

  /** The node cannot start. */
  async #refuse(lines: readonly string[]): Promise<void> {
    for (const line of lines) process.stderr.write(`${line}\n`);
    this.#stopping = true;
    await this.#endAll(1);
  }

  /** In a seat that is free: the other one may be that of a predecessor that drains. */
  #spawnWorker(index: number): void {
    const seat = this.#seatsOf(index).find((one) => this.#workers[one] === undefined);
    assert(seat !== undefined, 'a worker is started only where a seat is free');
    const control = new MessageChannel();
    const logs = this.#logPort();
    this.#respawns.born(index, monotonicMs());
    this.#workers[seat] = new WorkerThread(
      {
        index,
        seat,
        settings: this.#settings,
        memory: this.#memory,
        control: control.port1,
        logs,
        startId: this.#startId,
      },
      [control.port1, logs],
      this.#listener,
    );
    this.#tellControl({ kind: 'join', worker: seat, port: control.port2 }, [control.port2]);
  }

  readonly #listener: WorkerListener = {
    onDescriptor: (worker) => {
      if (worker.dealt) this.#acceptor.add(worker.descriptor);
    },
    onBroken: (worker, message) => {
      if (worker.ending) return;
      this.#log.error({ worker: worker.index, detail: message }, 'worker broken, replacing it');
      this.#stopDealing(worker);
      worker.send({ kind: 'drain', timeoutMs: this.#settings.drain.timeoutMs });
      this.#replaceWorker(worker.index);
    },
    onEnd: (worker, error) => this.#ended(worker, error),
  };

  /** The worker has attached everything: from now on it gets connections. */
  #attached(seat: number): void {
    const worker = this.#workers[seat];
    if (worker === undefined || worker.ending || worker.dealt) return;
    worker.dealt = true;
    this.#watchdog.watch(seat, monotonicMs());
    if (worker.descriptor !== null) this.#acceptor.add(worker.descriptor);
    void this.#openDoor();
  }

  /** Listens once: when the first revision is active and every worker is attached. */
  async #openDoor(): Promise<void> {
    const revision = this.#activeRevision;
    if (revision === null || this.#listening || this.#stopping) return;
    for (let index = 0; index < this.#settings.workers; index++) {
      if (!this.#seatsOf(index).some((seat) => this.#workers[seat]?.dealt === true)) return;
    }
    this.#listening = true;
    const { host, port } = this.#settings.listen;
    try {
      const actual = await this.#acceptor.listen(host, port);
      this.#tellManager({ kind: 'node-state', state: 'serving' });
      const listen = `http://${host}:${actual}`;
      this.#options.print(
        JSON.stringify({ event: 'ready', listen, admin: this.#adminUrl, revision }),
      );
    } catch (error) {
      await this.#refuse([messageOf(error)]);
    }
  }

  #stopDealing(worker: WorkerThread): void {
    worker.ending = true;
    this.#watchdog.forget(worker.seat);
    if (worker.dealt && worker.descriptor !== null) this.#acceptor.remove(worker.descriptor);
    worker.dealt = false;
  }

  /** It is about to end, its heap is full, or it spins: it must not get another connection. */
  #ends(seat: number): void {
    const worker = this.#workers[seat];
    if (worker === undefined || worker.ending) return;
    this.#stopDealing(worker);
    worker.kill();
  }

  /** Clears up after a worker: what it had running is lost, and the ledger says so. */
  #ended(worker: WorkerThread, error: Error | null): void {
    this.#stopDealing(worker);
    const { index, seat } = worker;
    const lost = clearUpAfter(seat, this.#memory, this.#block);
    this.#tellControl({ kind: 'lost', worker: seat });
    this.#workers[seat] = undefined;
    if (this.#stopping) return;
    this.#log.error(
      { worker: index, lost, detail: error?.message },
      'worker lost, starting it again',
    );
    this.#replaceWorker(index);
  }

  #seatsOf(index: number): number[] {
    const { workers } = this.#settings;
    return Array.from({ length: seatsPerWorker }, (_, turn) => index + turn * workers);
  }

  /** Starts a successor unless there is one; when no seat is free, the next death calls again. */
  #replaceWorker(index: number): void {
    void sleep(this.#respawns.delayMs(index, monotonicMs())).then(() => {
      const seats = this.#seatsOf(index).map((seat) => this.#workers[seat]);
      const wanted = !seats.some((one) => one?.ending === false) && seats.includes(undefined);
      if (wanted && !this.#stopping) this.#spawnWorker(index);
    });
  }

  async #endAll(code: number): Promise<void> {
    this.#acceptor.stopListening();
    for (const worker of this.#workers) worker?.kill();
    await Promise.all(this.#workers.map((worker) => worker?.ended));
    await Promise.all([this.#control.terminate(), this.#manager.terminate()]);
    this.#finish(code);
  }

  #logPort(): MessageChannel['port1'] {
    const logs = new MessageChannel();
    this.#tellManager({ kind: 'log-port', port: logs.port2 }, [logs.port2]);
    return logs.port1;
  }

  #tellManager(message: ToManager, transfer: MessageChannel['port1'][] = []): void {
    this.#manager.postMessage(message, transfer);
  }

  #tellControl(message: MainToControl, transfer: MessageChannel['port1'][] = []): void {
    this.#control.postMessage(message, transfer);
  }
}
