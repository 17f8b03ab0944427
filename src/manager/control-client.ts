import type { MessagePort } from 'node:worker_threads';
import { after, cancel } from '../base/clock.ts';
import type { Answer, ApplyOrder, ControlEvent } from '../model/orders.ts';

/** What control gets beyond an apply's own wait before it is taken for dead. */
const marginMs = 10_000;

/** The manager's line to control: orders with answers, and events. */
export class ControlClient {
  #port: MessagePort;
  #nextId = 1;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  readonly #onEvent: (event: ControlEvent) => void;
  readonly #onSilent: () => void;

  /** `onSilent`: control did not answer in time and must be ended, or it could still do the order. */
  constructor(port: MessagePort, onEvent: (event: ControlEvent) => void, onSilent: () => void) {
    this.#onEvent = onEvent;
    this.#onSilent = onSilent;
    this.#port = port;
    this.#listen();
  }

  apply(order: Omit<ApplyOrder, 'kind' | 'id'>): Promise<Answer> {
    const id = this.#nextId++;
    return new Promise((resolve) => {
      const timer = after(order.waitMs * 2 + marginMs, () => {
        this.#onSilent();
        this.#answered({
          kind: 'rejected',
          id,
          code: 'control-silent',
          message: 'the control thread did not answer; it is being replaced',
        });
      });
      this.#waiting.set(id, (answer) => {
        cancel(timer);
        resolve(answer);
      });
      this.#port.postMessage({ kind: 'apply', id, ...order } satisfies ApplyOrder);
    });
  }

  /** Control was replaced: what waited will never be answered. */
  replacePort(port: MessagePort): void {
    this.#port.close();
    this.#port = port;
    for (const id of [...this.#waiting.keys()]) {
      const message = 'the control thread was replaced while it worked on this';
      this.#answered({ kind: 'rejected', id, code: 'control-lost', message });
    }
    this.#listen();
  }

  close(): void {
    this.#port.close();
  }

  #listen(): void {
    this.#port.on('message', (message: Answer | ControlEvent) => {
      if ('id' in message) this.#answered(message);
      else this.#onEvent(message);
    });
  }

  #answered(answer: Answer): void {
    const resolve = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    resolve?.(answer);
  }
}
