import type { MessagePort } from 'node:worker_threads';
import { after, cancel } from '../base/clock.ts';
import type { CacheToControl, CacheToWorker } from '../memory/cache/cache-messages.ts';
import type { DescribedRequest, Explanation } from '../memory/cache/explanation.ts';
import type { FromWorker, ToWorker } from '../memory/worker-messages.ts';

/** How an answer of a worker came out. */
export type LinkAnswer =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly error: string }
  /** The worker died: it will come back and attach what is loaded then. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'late' };

type Question = Extract<ToWorker, { kind: 'stage' | 'switch' }>;

/** Slots are used again: the generation, or the revision, tells one question from the next. */
type WorkerAnswer = Extract<FromWorker, { kind: 'staged' | 'switched' }>;

function isAnswerTo(question: Question, answer: WorkerAnswer): boolean {
  if (question.slot !== answer.slot) return false;
  if (question.kind === 'stage') {
    return answer.kind === 'staged' && answer.generation === question.generation;
  }
  return answer.kind === 'switched' && answer.revision === question.revision;
}

/** Control's line to one worker: one question of a journey at a time; each with a deadline. */
export class WorkerLink {
  readonly worker: number;
  readonly #port: MessagePort;
  #answer: ((answer: LinkAnswer) => void) | null = null;
  #awaits: Question | null = null;
  readonly #explaining = new Map<number, (explanation: Explanation | null) => void>();
  #lastExplainId = 0;
  #lost = false;

  constructor(
    worker: number,
    port: MessagePort,
    listener: {
      onEvent(event: Extract<FromWorker, { kind: 'endpoint' }>): void;
      onCache(message: CacheToControl): void;
    },
  ) {
    this.worker = worker;
    this.#port = port;
    port.on('message', (message: FromWorker) => {
      if (message.kind === 'endpoint') listener.onEvent(message);
      else if (message.kind === 'staged' || message.kind === 'switched') this.#answered(message);
      else if (message.kind === 'explained')
        this.#explaining.get(message.id)?.(message.explanation);
      else listener.onCache(message);
    });
  }

  /** Asks the worker to attach a generation. */
  stage(message: Extract<ToWorker, { kind: 'stage' }>, waitMs: number): Promise<LinkAnswer> {
    return this.#ask(message, waitMs);
  }

  /** Asks the worker to confirm that it uses the slot that was published. */
  switchTo(slot: number, revision: number, waitMs: number): Promise<LinkAnswer> {
    return this.#ask({ kind: 'switch', slot, revision }, waitMs);
  }

  retire(slot: number, dropped: readonly number[]): void {
    this.#port.postMessage({ kind: 'retire', slot, dropped } satisfies ToWorker);
  }

  tellCache(message: CacheToWorker): void {
    if (!this.#lost) this.#port.postMessage(message);
  }

  /** What the cache would do with a request. Null: the worker did not say in time, or is gone. */
  explain(request: DescribedRequest, waitMs: number): Promise<Explanation | null> {
    if (this.#lost) return Promise.resolve(null);
    this.#lastExplainId += 1;
    const id = this.#lastExplainId;
    return new Promise((resolve) => {
      const timer = after(waitMs, () => this.#explaining.get(id)?.(null));
      this.#explaining.set(id, (explanation) => {
        cancel(timer);
        this.#explaining.delete(id);
        resolve(explanation);
      });
      this.#port.postMessage({ kind: 'explain', id, request } satisfies ToWorker);
    });
  }

  /** The worker's thread has ended. */
  lose(): void {
    this.#lost = true;
    this.#port.close();
    for (const answer of [...this.#explaining.values()]) answer(null);
    this.#answer?.({ kind: 'lost' });
  }

  #ask(message: Question, waitMs: number): Promise<LinkAnswer> {
    if (this.#lost) return Promise.resolve({ kind: 'lost' });
    return new Promise((resolve) => {
      const timer = after(waitMs, () => this.#answer?.({ kind: 'late' }));
      this.#awaits = message;
      this.#answer = (answer) => {
        cancel(timer);
        this.#answer = null;
        this.#awaits = null;
        resolve(answer);
      };
      this.#port.postMessage(message);
    });
  }

  /** An answer to a question that was given up is passed over. */
  #answered(message: WorkerAnswer): void {
    if (this.#awaits === null || !isAnswerTo(this.#awaits, message)) return;
    if (message.kind === 'staged' && message.error !== null) {
      this.#answer?.({ kind: 'failed', error: message.error });
    } else {
      this.#answer?.({ kind: 'done' });
    }
  }
}
