import type { RouteT } from '#generated/cutover.js';
import { present } from '../../base/assert.ts';
import { actionKind } from '../../memory/shape-kinds.ts';
import type { Exchange } from '../exchange.ts';
import { HeaderList } from '../header-list.ts';
import { safeValue } from '../policies/headers.ts';
import type { PolicyRunner } from '../policies/policy.ts';
import { prepareHead, statusText } from '../response-head.ts';
import { decodeTemplate, type TemplateRunner, textOf } from './template.ts';

/** A local reply, ready to send: the status with all header lines as one block, and the body. */
export interface PreparedReply {
  readonly status: number;
  readonly head: Buffer | string;
  readonly body: Buffer | string;
}

interface ReplyHeader {
  readonly name: string;
  readonly value: TemplateRunner;
}

/** What a `respond` or `redirect` route answers. */
export class ReplyPlan {
  /** When nothing depends on the exchange: made once, sent as it is every time. */
  readonly prepared: PreparedReply | null;
  readonly #redirects: boolean;
  readonly #status: number;
  readonly #headers: readonly ReplyHeader[];
  readonly #body: TemplateRunner | null;
  readonly #policies: readonly PolicyRunner[];

  constructor(route: RouteT, policies: readonly PolicyRunner[]) {
    this.#redirects = route.action === actionKind.redirect;
    this.#status = route.status;
    this.#headers = this.#redirects ? [locationOf(route)] : route.replyHeaders.map(headerOf);
    this.#body = route.replyBody === null ? null : decodeTemplate(route.replyBody);
    this.#policies = policies;
    const constant =
      this.#headers.every(({ value }) => value.constant !== null) &&
      (this.#body === null || this.#body.constant !== null) &&
      policies.every(({ constantResponse }) => constantResponse);
    this.prepared = constant ? this.#freeze() : null;
  }

  render(exchange: Exchange): PreparedReply {
    const list = new HeaderList();
    for (const { name, value } of this.#headers) {
      const rendered = value.constant ?? safeValue(value.render(exchange));
      const isTarget = this.#redirects && value.constant === null;
      list.add(name, isTarget ? safeLocation(rendered, value) : rendered);
    }
    for (const policy of this.#policies) policy.onResponse(exchange, list);
    return {
      status: this.#status,
      head: prepareHead(statusText(this.#status), list),
      body: this.#body === null ? '' : this.#body.render(exchange),
    };
  }

  #freeze(): PreparedReply {
    const list = new HeaderList();
    for (const { name, value } of this.#headers) list.add(name, value.constant ?? '');
    for (const policy of this.#policies) policy.applyConstantResponse(list);
    return {
      status: this.#status,
      head: Buffer.from(prepareHead(statusText(this.#status), list), 'latin1'),
      body: Buffer.from(this.#body?.constant ?? '', 'utf8'),
    };
  }
}

function locationOf({ location }: RouteT): ReplyHeader {
  return { name: 'location', value: decodeTemplate(present(location, 'a redirect target')) };
}

function headerOf({ name, value }: RouteT['replyHeaders'][number]): ReplyHeader {
  return {
    name: textOf(name),
    value: decodeTemplate(present(value, 'a reply header has a value')),
  };
}

/**
 * A target made of what a client sent. One that was written as a path stays a path: two slashes in
 * front would name another host (RFC 3986, section 4.2), and browsers take a backslash for a slash
 * and pass over blanks.
 */
function safeLocation(rendered: string, { begins }: TemplateRunner): string {
  const location = rendered.replace(notUrlText, encodeURIComponent);
  const isPath = begins.startsWith('/') && !begins.startsWith('//');
  return isPath && /^\/[/\\]/.test(location) ? `/.${location}` : location;
}

const notUrlText = /[^!-~]/g;
