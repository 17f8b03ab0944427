import type { TemplateT } from '#generated/cutover.js';
import { assert } from '../../base/assert.ts';
import { partSource } from '../../memory/shape-kinds.ts';
import type { Exchange } from '../exchange.ts';

interface Part {
  readonly source: number;
  readonly text: string;
  readonly index: number;
}

/**
 * Fills the holes of a template for one exchange. A class, like all that runs per exchange and is
 * made per generation: a closure that V8 has inlined costs the code around it when the next
 * generation brings another one.
 */
export class TemplateRunner {
  /** The text, when there are no holes; then `render` need not be called. */
  readonly constant: string | null;
  /** The text before the first hole. */
  readonly begins: string;
  readonly #parts: readonly Part[];

  constructor(parts: readonly Part[]) {
    const [first] = parts;
    this.#parts = parts;
    this.constant = parts.every(({ source }) => source === partSource.text)
      ? parts.map(({ text }) => text).join('')
      : null;
    this.begins = this.constant ?? (first?.source === partSource.text ? first.text : '');
  }

  render(exchange: Exchange): string {
    if (this.constant !== null) return this.constant;
    let text = '';
    for (const part of this.#parts) {
      text += part.source === partSource.text ? part.text : fieldOf(part, exchange);
    }
    return text;
  }
}

export function decodeTemplate(template: TemplateT): TemplateRunner {
  return new TemplateRunner(
    template.parts.map(({ source, text, index }) => ({ source, text: textOf(text), index })),
  );
}

/** FlatBuffers types text as bytes or string; ours reads strings. */
export function textOf(text: string | Uint8Array | null): string {
  if (text === null) return '';
  assert(typeof text === 'string', 'texts of a shape are read as strings');
  return text;
}

function fieldOf({ source, text, index }: Part, exchange: Exchange): string {
  switch (source) {
    case partSource['request.method']:
      return exchange.method;
    case partSource['request.scheme']:
      return 'http';
    case partSource['request.host']:
      return exchange.headers.host;
    case partSource['request.path']:
      return exchange.path;
    case partSource['request.query']:
      return exchange.query;
    case partSource['request.id']:
      return exchange.requestId();
    case partSource['client.ip']:
      return exchange.clientIp();
    case partSource['consumer.name']:
      return '';
    case partSource['route.id']:
      return exchange.plan?.id ?? '';
    case partSource['upstream.name']:
      return exchange.upstreamName;
    case partSource['node.id']:
      return exchange.worker.nodeId;
    case partSource['revision']:
      return String(exchange.revision);
    case partSource['request.header']:
      return exchange.headers.joined(text) ?? '';
    case partSource['request.query.named']:
      return queryValue(exchange.query, text) ?? '';
    case partSource['request.cookie']:
      return cookieValue(exchange.headers.joined('cookie'), text) ?? '';
    case partSource['path']:
      return exchange.pathSegment(index);
    case partSource['path.rest']:
      return exchange.pathRest(index);
    default:
      return '';
  }
}

/**
 * The raw (still escaped) value of the first parameter of that name. Names are compared decoded, as
 * an upstream does; a query without escapes is not decoded.
 */
export function queryValue(query: string, name: string): string | undefined {
  const escapes = /[%+]/.test(query);
  let from = 0;
  while (from <= query.length) {
    let to = query.indexOf('&', from);
    if (to < 0) to = query.length;
    const equals = query.indexOf('=', from);
    const end = equals < 0 || equals > to ? to : equals;
    const same = escapes
      ? decodeQuery(query.slice(from, end)) === name
      : end - from === name.length && query.startsWith(name, from);
    if (same && to > from) return query.slice(end + 1, to);
    from = to + 1;
  }
  return undefined;
}

/** A name or value of a query; `+` is a space, as forms write it. Bad escapes stay as they are. */
export function decodeQuery(raw: string): string {
  if (!/[%+]/.test(raw)) return raw;
  try {
    return decodeURIComponent(raw.replaceAll('+', ' '));
  } catch {
    return raw;
  }
}

/** The value of a cookie in a `Cookie` header (RFC 6265, section 4.2.1). */
export function cookieValue(cookies: string | undefined, name: string): string | undefined {
  if (cookies === undefined) return undefined;
  for (const pair of cookies.split(';')) {
    const text = pair.trim();
    if (text.startsWith(name) && text.charCodeAt(name.length) === 0x3d) {
      return text.slice(name.length + 1);
    }
  }
  return undefined;
}
