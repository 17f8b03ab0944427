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

/** What a `respond` or `redirect` route answers. */
export interface ReplyPlan {
  /** When nothing depends on the exchange: made once, sent as it is every time. */
  readonly prepared: PreparedReply | null;
  render(exchange: Exchange): PreparedReply;
}

export function decodeReply(route: RouteT, policies: readonly PolicyRunner[]): ReplyPlan {
  const redirects = route.action === actionKind.redirect;
  const headers = redirects
    ? [{ name: 'location', value: decodeTemplate(present(route.location, 'a redirect target')) }]
    : route.replyHeaders.map(({ name, value }) => ({
        name: textOf(name),
        value: decodeTemplate(present(value, 'a reply header has a value')),
      }));
  const body = route.replyBody === null ? null : decodeTemplate(route.replyBody);
  const status = route.status;
  const render = (exchange: Exchange): PreparedReply => {
    const list = new HeaderList();
    for (const { name, value } of headers) {
      const rendered = value.constant ?? safeValue(value.render(exchange));
      list.add(
        name,
        redirects && value.constant === null ? safeLocation(rendered, value) : rendered,
      );
    }
    for (const policy of policies) policy.onResponse(exchange, list);
    return {
      status,
      head: prepareHead(statusText(status), list),
      body: body === null ? '' : body.render(exchange),
    };
  };
  const constant =
    headers.every(({ value }) => value.constant !== null) &&
    (body === null || body.constant !== null) &&
    policies.every(({ constantResponse }) => constantResponse);
  if (!constant) return { prepared: null, render };
  return { prepared: freeze(headers, body?.constant ?? '', status, policies), render };
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

function freeze(
  headers: readonly { name: string; value: { constant: string | null } }[],
  body: string,
  status: number,
  policies: readonly PolicyRunner[],
): PreparedReply {
  const list = new HeaderList();
  for (const { name, value } of headers) list.add(name, value.constant ?? '');
  for (const policy of policies) policy.applyConstantResponse(list);
  return {
    status,
    head: Buffer.from(prepareHead(statusText(status), list), 'latin1'),
    body: Buffer.from(body, 'utf8'),
  };
}
