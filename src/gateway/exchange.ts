import { endRequests, holdRequests, releaseRequests } from '../base/native.ts';
import type { HttpResponse } from '../base/uws.ts';
import type { ClientBacklog } from './caching/client-backlog.ts';
import type { StoredStream } from './caching/stored-stream.ts';
import type { CacheTicket } from './caching/ticket.ts';
import type { RequestHeaders } from './door.ts';
import type { Generation } from './generation.ts';
import type { RoutePlan } from './plan/route-plan.ts';
import type { RequestBody } from './request-body.ts';
import { endConnection, type ResponseRelay } from './response-relay.ts';
import type { Attempt } from './upstream/attempt.ts';
import type { Endpoint } from './upstream/endpoint.ts';
import type { UpstreamPlan } from './upstream/upstream-plan.ts';
import type { WorkerContext } from './worker-context.ts';

/** One request with its response, pinned to one generation from first byte to last. */
export class Exchange {
  readonly worker: WorkerContext;
  readonly res: HttpResponse;
  readonly generation: Generation;
  /** What the generation was active for when it began: a rollback gives it a newer one. */
  readonly revision: number;
  readonly headers: RequestHeaders;
  /** Monotonic, when the request's head had arrived. */
  readonly beganMs: number;
  method: string;
  /** Normalised, without the query. */
  path: string;
  /** Raw, without the question mark. */
  query: string;
  plan: RoutePlan | null = null;
  /** The status that the client gets; 0 while that is not known. */
  status = 0;
  finished = false;
  /** The client is gone, or there never was one: nothing may be done with `res`. */
  gone = false;
  /** There never was a client: a fetch behind an answer that was stale. */
  behind = false;
  /** It outlives the callback that brought it. */
  detained = false;
  /** The request policies have run. */
  requestChanged = false;
  /** Its outcome for the client is in the books; it goes on for the cache alone. */
  accounted = false;
  /** What the cache knows of it; null: the route is not cached, or the exchange goes past it. */
  ticket: CacheTicket | null = null;
  /** The stored body that goes out piece by piece. */
  stream: StoredStream | null = null;
  /** What a slow client has yet to get while the fetch goes on for others. */
  backlog: ClientBacklog | null = null;
  /** The origin's response has ended. */
  received = false;
  /** The origin confirmed what is stored: the answer comes out of the cache in a later turn. */
  answersLater = false;

  upstream: UpstreamPlan | null = null;
  body: RequestBody | null = null;
  attempt: Attempt | null = null;
  attemptCount = 0;
  readonly tried: Endpoint[] = [];
  /** Its place among the running ones (running.ts). */
  runningAt = -1;
  relay: ResponseRelay | null = null;
  bytesOut = 0;
  #requestId = '';
  #clientIp = '';
  #connection = -1;
  #endsConnection = false;

  constructor(
    worker: WorkerContext,
    res: HttpResponse,
    generation: Generation,
    revision: number,
    headers: RequestHeaders,
    beganMs: number,
  ) {
    this.worker = worker;
    this.res = res;
    this.generation = generation;
    this.revision = revision;
    this.headers = headers;
    this.beganMs = beganMs;
    this.method = '';
    this.path = '';
    this.query = '';
  }

  /** One like it for the cache alone: the same request and generation, nobody to answer to. */
  withoutClient(): Exchange {
    const address = this.clientIp();
    this.worker.words.pinAgain(this.generation.slot);
    const alone = new Exchange(
      this.worker,
      this.res,
      this.generation,
      this.revision,
      this.headers.copy(),
      this.worker.nowMs(),
    );
    alone.method = this.method === 'HEAD' ? 'GET' : this.method;
    alone.path = this.path;
    alone.query = this.query;
    alone.plan = this.plan;
    alone.gone = true;
    alone.behind = true;
    alone.accounted = true;
    alone.#clientIp = address;
    return alone;
  }

  /** Before it is looked up again: what an attempt brought is not its answer. */
  startOver(): void {
    this.answersLater = false;
    this.received = false;
    this.attempt = null;
    this.attemptCount = 0;
    this.tried.length = 0;
  }

  /** The time now, as far as it matters: in the turn in which it came, when it came. Monotonic. */
  turnMs(): number {
    return this.detained ? this.worker.nowMs() : this.beganMs;
  }

  /** Behind its response its connection is closed. */
  get closes(): boolean {
    return this.worker.draining || this.headers.asksClose;
  }

  get upstreamName(): string {
    return this.upstream?.name ?? '';
  }

  /** It outlives its callback: its connection gets no other request until it leaves it. */
  holdConnection(): void {
    this.#connection = holdRequests();
  }

  /** Behind a response without a body that says close, which uWebSockets.js does not do then. */
  endConnection(): void {
    if (this.detained) this.#endsConnection = true;
    else endConnection();
  }

  leaveConnection(): void {
    const ends = this.#endsConnection || this.relay?.endsConnection === true;
    if (ends) endRequests(this.#connection);
    else releaseRequests(this.#connection);
  }

  /** The client's `X-Request-Id` if it is a sane one, else one of ours. */
  requestId(): string {
    if (this.#requestId === '') {
      const given = this.headers.get('x-request-id');
      this.#requestId =
        given !== undefined && requestIdPattern.test(given) ? given : this.worker.nextRequestId();
    }
    return this.#requestId;
  }

  /** The address of the peer, as text; empty when it was not read before the client was gone. */
  clientIp(): string {
    if (this.#clientIp === '' && !this.gone) {
      this.#clientIp = this.worker.addressText(this.res.getRemoteAddress());
    }
    return this.#clientIp;
  }

  /** A segment of the path, by its place; escapes are left as they are. */
  pathSegment(index: number): string {
    return this.path.split('/')[index + 1] ?? '';
  }

  /** The path from a segment on, without the slash in front. */
  pathRest(index: number): string {
    return this.path
      .split('/')
      .slice(index + 1)
      .join('/');
  }
}

const requestIdPattern = /^[\x21-\x7e]{1,128}$/;
