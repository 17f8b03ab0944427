import { wallMs } from '../base/clock.ts';
import type { LogBatch, LogRecord } from '../base/log-record.ts';
import type { AccessLog } from '../model/settings.ts';
import type { Outcome } from '../telemetry/recorder.ts';
import type { Exchange } from './exchange.ts';

/** Records that may wait for the next batch; more are counted and dropped. */
const waitingMax = 8192;

/**
 * Lines for the log, gathered here and sent to the thread that writes them a few times a second:
 * a worker never waits for a disk or a terminal.
 */
export class AccessLogger {
  #waiting: LogRecord[] = [];
  #dropped = 0;
  readonly #access: AccessLog;
  readonly #thread: string;
  readonly #send: (batch: LogBatch) => void;

  constructor(access: AccessLog, thread: string, send: (batch: LogBatch) => void) {
    this.#access = access;
    this.#thread = thread;
    this.#send = send;
  }

  /** Whether an exchange may get a line, for which its client's address is read before it ends. */
  get wantsAddress(): boolean {
    return this.#access.kind !== 'off';
  }

  /** Sends what waits. Called by a timer, and before the worker ends. */
  flush(): void {
    if (this.#waiting.length === 0 && this.#dropped === 0) return;
    this.#send({ records: this.#waiting, dropped: this.#dropped });
    this.#waiting = [];
    this.#dropped = 0;
  }

  finished(exchange: Exchange, outcome: Outcome): void {
    const { kind } = this.#access;
    if (kind === 'off') return;
    if (kind === 'errors' && exchange.status < 500 && outcome === 'completed') return;
    if (kind === 'sample' && Math.random() * 100 >= this.#access.percent) return;
    this.#add('info', 'access', {
      client: exchange.clientIp(),
      method: exchange.method,
      host: exchange.headers.host,
      path: exchange.path,
      status: exchange.status,
      outcome: typeof outcome === 'string' ? outcome : `${outcome.kind}:${outcome.reason}`,
      bytesIn: exchange.body?.bytes ?? 0,
      bytesOut: exchange.bytesOut,
      durationMs: Math.round((exchange.worker.nowMs() - exchange.beganMs) * 1000) / 1000,
      route: exchange.plan?.id ?? '',
      upstream: exchange.upstreamName,
      endpoint: exchange.attempt?.endpoint.origin ?? '',
      attempts: exchange.attemptCount,
      revision: exchange.revision,
    });
  }

  upstreamFailed(exchange: Exchange, failure: string, message: string): void {
    this.#add('warn', 'upstream failed', {
      failure,
      detail: message,
      route: exchange.plan?.id ?? '',
      upstream: exchange.upstreamName,
      endpoint: exchange.attempt?.endpoint.origin ?? '',
      attempts: exchange.attemptCount,
    });
  }

  crashed(exchange: Exchange, message: string, stack: string | undefined): void {
    this.#add('error', 'exchange crashed', { detail: message, stack, path: exchange.path });
  }

  note(level: LogRecord['level'], message: string, fields: Record<string, unknown>): void {
    this.#add(level, message, fields);
  }

  #add(level: LogRecord['level'], message: string, fields: Record<string, unknown>): void {
    if (this.#waiting.length >= waitingMax) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.push({ level, timeMs: wallMs(), thread: this.#thread, message, fields });
  }
}
