import type { MessagePort } from 'node:worker_threads';
import { after, cancel } from '../base/clock.ts';
import { createClaim, withdrawClaim } from '../memory/claim.ts';
import type { Answer, ApplyOrder, ControlEvent } from '../model/orders.ts';

/** What control gets beyond an apply's own waits before the order is withdrawn. */
const marginMs = 10_000;

/** The manager's line to control: orders with answers, and events. */
export class ControlClient {
  #port: MessagePort;
  #nextId = 1;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  readonly #onEvent: (event: ControlEvent) => void;

  constructor(port: MessagePort, onEvent: (event: ControlEvent) => void) {
    this.#onEvent = onEvent;
    this.#port = port;
    this.#listen();
  }

  /**
   * Waits for a slot and for workers, each within the order's own wait, and some more for control,
   * which may have workers to attach before; then withdraws the order. Where control has begun to
   * switch already, its answer comes, or its end.
   */
  apply(order: Omit<ApplyOrder, 'kind' | 'id' | 'claim'>): Promise<Answer> {
    const id = this.#nextId++;
    const claim = createClaim();
    return new Promise((resolve) => {
      const timer = after(order.waitMs * 2 + marginMs, () => {
        if (!withdrawClaim(claim)) return;
        const message = 'the control thread did not answer in time; nothing was applied';
        this.#answered({ kind: 'rejected', id, code: 'control-silent', message });
      });
      this.#waiting.set(id, (answer) => {
        cancel(timer);
        resolve(answer);
      });
      this.#port.postMessage({ kind: 'apply', id, claim, ...order } satisfies ApplyOrder);
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
