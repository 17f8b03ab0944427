import { monotonicMs, wallMs } from '../base/clock.ts';
import { generationSlotCount } from '../base/limits.ts';
import { ControlBlock, slotState, workerState } from '../memory/control-block.ts';
import { readLedger } from '../memory/ledger.ts';
import type { NodeMemory } from '../memory/node-memory.ts';
import { type RateLimitFigures, readRateLimitFigures } from '../memory/rate-limits/limit-watch.ts';
import {
  readSeries,
  routeOverflow,
  type SeriesFigures,
  upstreamOverflow,
} from '../memory/series.ts';
import type { ClusterFigures } from '../model/cluster-figures.ts';
import type { Upstream } from '../model/definitions.ts';
import type { FleetFigures } from '../model/fleet.ts';
import type { GivenName, Ledger } from '../model/orders.ts';
import { type CacheReport, cacheReport } from './cache-report.ts';
import { EndpointStates, type UpstreamFigures } from './endpoint-states.ts';

export interface WorkerFigures {
  readonly id: number;
  readonly state: string;
  readonly generation: number;
  readonly revision: number;
  readonly connections: number;
  /** Since its heartbeat was last seen to move, as far as this reader knows. */
  readonly silentMs: number;
}

export interface GenerationFigures {
  readonly generation: number;
  readonly revision: number;
  readonly state: string;
  /** Exchanges running on it. */
  readonly pinned: number;
  readonly ledger: Ledger;
}

export interface NamedSeries extends SeriesFigures {
  readonly of: GivenName['of'];
  readonly name: string;
}

/** What found no series of its own, which begins like no name that a person can give. */
const overflowNames = new Map<number, GivenName>([
  [routeOverflow.number, { number: routeOverflow.number, of: 'route', name: '_other' }],
  [upstreamOverflow.number, { number: upstreamOverflow.number, of: 'upstream', name: '_other' }],
]);

/** Reads the figures of a node out of shared memory, where it writes nothing; keeps what it is told. */
export class Collector {
  readonly #memory: NodeMemory;
  readonly #block: ControlBlock;
  readonly #names = new Map<number, GivenName>();
  /** As workers told them last. */
  readonly endpoints = new EndpointStates();
  #cluster: ClusterFigures | null = null;
  #fleet: FleetFigures | null = null;
  readonly #beats: { count: number; seenMs: number }[] = [];

  constructor(memory: NodeMemory) {
    this.#memory = memory;
    this.#block = new ControlBlock(memory.control);
  }

  /** Names of the numbers under which series are kept. */
  learn(given: readonly GivenName[], dropped: readonly number[]): void {
    for (const name of given) this.#names.set(name.number, name);
    for (const number of dropped) this.#names.delete(number);
  }

  /** As control told it last. */
  learnCluster(figures: ClusterFigures, fleet: FleetFigures): void {
    this.#cluster = figures;
    this.#fleet = fleet;
  }

  /** Null: the node is in no cluster, or has not begun to join it. */
  get cluster(): ClusterFigures | null {
    return this.#cluster;
  }

  /** The log and the other nodes, as control told it last; null as above. */
  get fleet(): FleetFigures | null {
    return this.#fleet;
  }

  workers(): WorkerFigures[] {
    const byGeneration = new Map(this.#slots().map((slot) => [this.#block.generation(slot), slot]));
    return Array.from({ length: this.#memory.workerCount }, (_, id) => {
      const seat = this.#seatOf(id);
      const generation = this.#block.switchedTo(seat);
      const slot = byGeneration.get(generation);
      return {
        id,
        state: nameOf(workerState, this.#block.workerState(seat)),
        generation,
        revision: slot === undefined ? 0 : this.#block.revision(slot),
        connections: this.#block.connections(seat),
        silentMs: this.#silentMs(seat),
      };
    });
  }

  /** The endpoints of upstreams as each worker sees them. */
  upstreams(upstreams: readonly Upstream[]): UpstreamFigures[] {
    const ids = Array.from({ length: this.#memory.workerCount }, (_, id) => id);
    return this.endpoints.of(
      upstreams,
      ids.map((id) => this.#seatOf(id)),
    );
  }

  /** Of a worker that drains and its successor, that which serves; while none does, the first. */
  #seatOf(worker: number): number {
    const { workerCount, seatCount } = this.#memory;
    let best = worker;
    for (let seat = worker + workerCount; seat < seatCount; seat += workerCount) {
      if (rankOf(this.#block.workerState(seat)) > rankOf(this.#block.workerState(best)))
        best = seat;
    }
    return best;
  }

  generations(): GenerationFigures[] {
    const { ledgers, seatCount } = this.#memory;
    return this.#slots()
      .map((slot) => ({ slot, generation: this.#block.generation(slot) }))
      .map(({ slot, generation }) => ({
        generation,
        revision: this.#block.revision(slot),
        state: nameOf(slotState, this.#block.slotState(slot)),
        pinned: this.#block.pinned(slot),
        ledger: readLedger(ledgers, seatCount, slot, generation),
      }))
      .sort((a, b) => a.generation - b.generation);
  }

  active(): GenerationFigures | null {
    return this.generations().find(({ state }) => state === 'active') ?? null;
  }

  series(): NamedSeries[] {
    return readSeries(this.#memory.series, this.#memory.seatCount).flatMap((figures) => {
      const name = overflowNames.get(figures.number) ?? this.#names.get(figures.number);
      if (overflowNames.has(figures.number) && !figures.counters.some((count) => count > 0)) {
        return [];
      }
      return name === undefined ? [] : [{ ...figures, of: name.of, name: name.name }];
    });
  }

  /** Null: the settings give the cache no memory. */
  cache(series: readonly NamedSeries[] = this.series()): CacheReport | null {
    return this.#memory.cache === null ? null : cacheReport(this.#memory.cache, series);
  }

  rateLimits(): RateLimitFigures {
    return readRateLimitFigures(this.#memory.rateLimits, wallMs(), monotonicMs());
  }

  #slots(): number[] {
    const slots = Array.from({ length: generationSlotCount }, (_, slot) => slot);
    return slots.filter((slot) => this.#block.slotState(slot) !== slotState.free);
  }

  #silentMs(worker: number): number {
    const count = this.#block.heartbeat(worker);
    const nowMs = monotonicMs();
    const known = this.#beats[worker];
    if (known === undefined || known.count !== count) {
      this.#beats[worker] = { count, seenMs: nowMs };
      return 0;
    }
    return Math.round(nowMs - known.seenMs);
  }
}

/** States of a worker from that which says least. */
const ranks: readonly number[] = [
  workerState.dead,
  workerState.starting,
  workerState.draining,
  workerState.ready,
];

function rankOf(state: number): number {
  return ranks.indexOf(state);
}

function nameOf(names: Readonly<Record<string, number>>, value: number): string {
  return Object.entries(names).find(([, one]) => one === value)?.[0] ?? 'unknown';
}
