import type { HeaderChangesT, HeadersPolicyT } from '#generated/cutover.js';
import { present } from '../../base/assert.ts';
import type { Exchange } from '../exchange.ts';
import type { HeaderList } from '../header-list.ts';
import { decodeTemplate, type TemplateRunner, textOf } from '../plan/template.ts';
import type { PolicyRunner } from './policy.ts';

interface HeaderChange {
  readonly name: string;
  readonly value: TemplateRunner;
}

interface Changes {
  readonly remove: readonly string[];
  readonly set: readonly HeaderChange[];
  readonly add: readonly HeaderChange[];
  readonly constant: boolean;
}

/** Changes header fields of the request before it goes on, and of the response before it goes out. */
export class HeadersPolicy implements PolicyRunner {
  readonly changesRequest: boolean;
  readonly changesResponse: boolean;
  readonly constantRequest: boolean;
  readonly constantResponse: boolean;
  readonly #request: Changes;
  readonly #response: Changes;

  constructor(policy: HeadersPolicyT) {
    const { request, response } = policy;
    this.#request = decodeChanges(present(request, 'a headers policy has request changes'));
    this.#response = decodeChanges(present(response, 'a headers policy has response changes'));
    this.changesRequest = hasChanges(this.#request);
    this.changesResponse = hasChanges(this.#response);
    this.constantRequest = this.#request.constant;
    this.constantResponse = this.#response.constant;
  }

  onRequest(exchange: Exchange, headers: HeaderList): void {
    applyChanges(this.#request, exchange, headers);
  }

  onResponse(exchange: Exchange, headers: HeaderList): void {
    applyChanges(this.#response, exchange, headers);
  }

  applyConstantResponse(headers: HeaderList): void {
    applyConstant(this.#response, headers);
  }
}

function decodeChanges(changes: HeaderChangesT): Changes {
  const decode = (list: HeaderChangesT['set']): HeaderChange[] =>
    list.map(({ name, value }) => ({
      name: textOf(name),
      value: decodeTemplate(present(value, 'a header change has a value')),
    }));
  const set = decode(changes.set);
  const add = decode(changes.add);
  const constant = [...set, ...add].every(({ value }) => value.constant !== null);
  return { remove: changes.remove.map((name) => textOf(name)), set, add, constant };
}

function hasChanges({ remove, set, add }: Changes): boolean {
  return remove.length + set.length + add.length > 0;
}

function applyChanges(changes: Changes, exchange: Exchange, headers: HeaderList): void {
  for (const name of changes.remove) headers.remove(name);
  for (const { name, value } of changes.set) {
    headers.set(name, value.constant ?? safeValue(value.render(exchange)));
  }
  for (const { name, value } of changes.add) {
    headers.add(name, value.constant ?? safeValue(value.render(exchange)));
  }
}

function applyConstant(changes: Changes, headers: HeaderList): void {
  for (const name of changes.remove) headers.remove(name);
  for (const { name, value } of changes.set) headers.set(name, value.constant ?? '');
  for (const { name, value } of changes.add) headers.add(name, value.constant ?? '');
}

/**
 * What came from a request may hold nothing that ends a header line: no control characters, and
 * no character that is more than a byte, since its lower half may be one.
 */
export function safeValue(value: string): string {
  return unsafe.test(value) ? value.replace(unsafeAll, '') : value;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is for
const unsafe = /[\u0000-\u0008\u000a-\u001f\u007f\u0100-\uffff]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is for
const unsafeAll = /[\u0000-\u0008\u000a-\u001f\u007f\u0100-\uffff]/g;
