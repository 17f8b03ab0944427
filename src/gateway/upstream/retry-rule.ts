import { retryBits } from '../../memory/shape-kinds.ts';

/** What ended an attempt before the head of a response went to the client. */
export type AttemptFailure =
  | 'connect'
  | 'connect-timeout'
  | 'headers-timeout'
  | 'idle-timeout'
  | 'reset'
  | 'protocol';

/** Whether the request may have reached the upstream. */
export type Sent = 'no' | 'maybe';

/** Whether the request never had a connection: that tells nothing of the endpoint. */
export function waitedInVain(failure: AttemptFailure, sent: Sent): boolean {
  return failure === 'headers-timeout' && sent === 'no';
}

/**
 * Whether repeating cannot do harm: never once a part of the body was read from the client, since
 * it is gone; and a method that is not idempotent (RFC 9110, section 9.2.2) only if nothing was
 * sent at all.
 */
export function isSafeToRepeat(method: string, sent: Sent, bodyConsumed: boolean): boolean {
  if (bodyConsumed) return false;
  return sent === 'no' || idempotent.has(method);
}

/** Whether the upstream's settings want this failure repeated. */
export function wantsRepeat(retryOn: number, failure: AttemptFailure): boolean {
  return (retryOn & failureBits[failure]) !== 0;
}

export function wantsRepeatOfStatus(retryOn: number, status: number): boolean {
  switch (status) {
    case 502:
      return (retryOn & retryBits['502']) !== 0;
    case 503:
      return (retryOn & retryBits['503']) !== 0;
    case 504:
      return (retryOn & retryBits['504']) !== 0;
    default:
      return false;
  }
}

const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']);

const failureBits: Readonly<Record<AttemptFailure, number>> = {
  connect: retryBits.connect,
  'connect-timeout': retryBits.connect,
  'headers-timeout': retryBits.timeout,
  'idle-timeout': 0,
  reset: retryBits.reset,
  protocol: 0,
};
