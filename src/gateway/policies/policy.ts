import type { PolicyT } from '#generated/cutover.js';
import { assert, present } from '../../base/assert.ts';
import { policyKind } from '../../memory/shape-kinds.ts';
import type { Exchange } from '../exchange.ts';
import type { HeaderList } from '../header-list.ts';
import { HeadersPolicy } from './headers.ts';

/** The running half of a policy: decoded from bytes once per generation, run per exchange. */
export interface PolicyRunner {
  readonly changesRequest: boolean;
  readonly changesResponse: boolean;
  /** Whether the request is changed the same way for every exchange. */
  readonly constantRequest: boolean;
  /** Whether the response comes out the same for every exchange. */
  readonly constantResponse: boolean;
  onRequest(exchange: Exchange, headers: HeaderList): void;
  onResponse(exchange: Exchange, headers: HeaderList): void;
  /** The same without an exchange; only where `constantResponse` holds. */
  applyConstantResponse(headers: HeaderList): void;
}

export function decodePolicy(policy: PolicyT): PolicyRunner {
  assert(policy.kind === policyKind.headers, 'the compiler writes known policies only');
  return new HeadersPolicy(present(policy.headers, 'a headers policy has its changes'));
}
