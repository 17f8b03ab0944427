import { type CandidateJudge, Matcher, type SegmentScratch } from '../memory/matcher.ts';
import { type ShapeBytes, ShapeReader } from '../memory/shape.ts';
import { methodBits } from '../memory/shape-kinds.ts';
import { decodeRoute, type RoutePlan } from './plan/route-plan.ts';
import type { EndpointRegistry } from './upstream/endpoint-registry.ts';
import {
  acquireUpstream,
  type UpstreamMemory,
  type UpstreamPlan,
} from './upstream/upstream-plan.ts';

/** What a worker needs to attach a generation. */
export interface AttachContext {
  readonly segments: SegmentScratch;
  readonly judge: CandidateJudge;
  readonly registry: EndpointRegistry;
  readonly upstreamMemory: UpstreamMemory;
  readonly workerIndex: number;
}

/**
 * A revision's shape as this worker has it loaded. Attaching takes hold of the upstreams and decodes no
 * route: a plan is made from its bytes when its first exchange comes, which cannot fail since
 * control has read the same bytes before (control/compiler/verify.ts).
 */
export class Generation {
  readonly number: number;
  readonly slot: number;
  readonly matcher: Matcher;
  readonly upstreams: readonly UpstreamPlan[];
  readonly #shape: ShapeReader;
  readonly #plans: (RoutePlan | undefined)[];

  constructor(number: number, slot: number, bytes: ShapeBytes, context: AttachContext) {
    this.number = number;
    this.slot = slot;
    this.#shape = new ShapeReader(bytes);
    // Filled, as V8 tells arrays that have held objects from those that have not: with the first
    // plan of each generation, the code that reads this list would be thrown away.
    this.#plans = new Array<RoutePlan | undefined>(this.#shape.routeCount).fill(undefined);
    this.matcher = new Matcher(this.#shape.matcher, context.segments, context.judge);
    this.upstreams = Array.from({ length: this.#shape.upstreamCount }, (_, index) =>
      acquireUpstream(
        this.#shape.upstream(index),
        context.registry,
        context.upstreamMemory,
        context.workerIndex,
      ),
    );
  }

  plan(routeIndex: number): RoutePlan {
    const known = this.#plans[routeIndex];
    if (known !== undefined) return known;
    const plan = decodeRoute(this.#shape.route(routeIndex));
    this.#plans[routeIndex] = plan;
    return plan;
  }

  /** The methods of the routes that met everything else at the last match, for `Allow`. */
  allowedMethods(): string {
    const { allowMask, allowOthers } = this.matcher;
    const known = Object.keys(methodBits).filter(
      (one) => (allowMask & (methodBits[one] ?? 0)) !== 0,
    );
    const others = allowOthers.flatMap((route) => this.plan(route).otherMethods);
    return [...known, ...new Set(others)].join(', ');
  }

  /** It is the active one, for the first time or again. */
  activate(): void {
    for (const upstream of this.upstreams) upstream.activate();
  }

  /** The last exchange is done and no rollback will come: lets the upstreams go. */
  detach(): void {
    for (const upstream of this.upstreams) upstream.release();
  }
}
