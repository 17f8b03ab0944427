import type { Life } from './life.ts';

export interface ReplacementLimits {
  /** An overdue call of this age will not be settled: a connection without answers is closed before. */
  readonly leakMs: number;
  readonly leakCountMax: number;
  /** Connected, and every call failed for so long. */
  readonly stuckMs: number;
  /** From one replacement to the next, at first and at most; doubled while nothing is answered. */
  readonly pauseMsMin: number;
  readonly pauseMsMax: number;
}

/** Why a client is replaced by another one. */
export const replacementReasons = ['closed', 'leaked', 'stuck'] as const;
export type ReplacementReason = (typeof replacementReasons)[number];

/** Null: the life is good, or will mend itself. */
export function reasonToReplace(
  life: Life,
  limits: ReplacementLimits,
  nowMs: number,
): ReplacementReason | null {
  if (life.state === 'closed') return 'closed';
  if (life.leakedCount(limits.leakMs, nowMs) >= limits.leakCountMax) return 'leaked';
  // An open breaker that nobody asks of proves nothing: something must have failed lately.
  const stuck =
    life.state === 'connected' &&
    life.breaker.state !== 'closed' &&
    nowMs - life.answeredMs >= limits.stuckMs &&
    nowMs - life.failedMs < limits.stuckMs;
  return stuck ? 'stuck' : null;
}

/** How long to wait from one replacement to the next, so that a hopeless cluster is not hammered. */
export class ReplacementPause {
  readonly #limits: ReplacementLimits;
  #pauseMs: number;
  #sinceMs: number;

  constructor(limits: ReplacementLimits, nowMs: number) {
    this.#limits = limits;
    this.#pauseMs = limits.pauseMsMin;
    this.#sinceMs = nowMs;
  }

  isOver(nowMs: number): boolean {
    return nowMs - this.#sinceMs >= this.#pauseMs;
  }

  /** A replacement was made or tried; `answeredMs` is when the life before it last heard something. */
  replaced(answeredMs: number, nowMs: number): void {
    const helped = answeredMs > this.#sinceMs;
    const { pauseMsMin, pauseMsMax } = this.#limits;
    this.#pauseMs = helped ? pauseMsMin : Math.min(2 * this.#pauseMs, pauseMsMax);
    this.#sinceMs = nowMs;
  }
}
