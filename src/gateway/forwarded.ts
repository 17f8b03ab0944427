import ipaddr from 'ipaddr.js';
import type { ForwardedSettings } from '../model/settings.ts';
import { isFieldValue } from './door.ts';
import type { Exchange } from './exchange.ts';

/** Answers of the trust check by address: most requests come from few peers. */
const rememberedMax = 4096;

/** Tells the upstream who asked (RFC 7239; X-Forwarded-*; RFC 9110, section 7.6.3 for Via). */
export class ForwardedHeaders {
  readonly #settings: ForwardedSettings;
  readonly #trusted: readonly [ipaddr.IPv4 | ipaddr.IPv6, number][];
  readonly #remembered = new Map<string, boolean>();
  readonly #via: string;

  constructor(settings: ForwardedSettings) {
    this.#settings = settings;
    this.#trusted = settings.trust.map((range) =>
      range.includes('/') ? ipaddr.parseCIDR(range) : ipaddr.parseCIDR(`${range}/${bitsOf(range)}`),
    );
    this.#via = `1.1 ${settings.via}`;
  }

  /** Whether a field of the client's is replaced by what `fields` writes. */
  owns(name: string): boolean {
    switch (name.length) {
      case 3:
        return name === 'via' && this.#settings.via !== '';
      case 9:
        return name === 'forwarded';
      case 15:
        return name === 'x-forwarded-for';
      case 16:
        return name === 'x-forwarded-host';
      case 17:
        return name === 'x-forwarded-proto';
      default:
        return false;
    }
  }

  /** Header lines, each with its line end. */
  fields(exchange: Exchange): string {
    const { style, via } = this.#settings;
    const { headers } = exchange;
    let lines = '';
    if (via !== '') {
      const before = headers.elements('via');
      lines += `via: ${listed(before, this.#via)}\r\n`;
    }
    if (style === 'off') return lines;
    const ip = exchange.clientIp();
    const believed = this.#trusted.length > 0 && this.#isTrusted(ip);
    if (style !== 'forwarded') {
      const before = believed ? headers.elements('x-forwarded-for') : undefined;
      lines += `x-forwarded-for: ${listed(before, ip)}\r\n`;
      lines += `x-forwarded-host: ${value(believed, headers.get('x-forwarded-host'), headers.host)}\r\n`;
      lines += `x-forwarded-proto: ${value(believed, headers.get('x-forwarded-proto'), 'http')}\r\n`;
    }
    if (style !== 'x-forwarded') {
      const before = believed ? headers.elements('forwarded') : undefined;
      const node = ip.includes(':') ? `"[${ip}]"` : ip;
      const own = `for=${node};host="${headers.host}";proto=http`;
      lines += `forwarded: ${listed(before, own)}\r\n`;
    }
    return lines;
  }

  #isTrusted(ip: string): boolean {
    const known = this.#remembered.get(ip);
    if (known !== undefined) return known;
    if (this.#remembered.size >= rememberedMax) this.#remembered.clear();
    const trusted = ipaddr.isValid(ip) && this.#matches(ipaddr.process(ip));
    this.#remembered.set(ip, trusted);
    return trusted;
  }

  #matches(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
    return this.#trusted.some(
      ([range, bits]) => range.kind() === address.kind() && address.match(range, bits),
    );
  }
}

/** Ours after what the client sent, where that can be passed on. */
function listed(before: string | undefined, own: string): string {
  return before === undefined || !isFieldValue(before) ? own : `${before}, ${own}`;
}

function value(believed: boolean, given: string | undefined, own: string): string {
  return believed && given !== undefined && given !== '' && isFieldValue(given) ? given : own;
}

function bitsOf(address: string): number {
  return address.includes(':') ? 128 : 32;
}

/** Text of an address of 4 or 16 bytes; a mapped IPv4 address reads as IPv4. */
export function addressText(address: ArrayBuffer): string {
  const bytes = new Uint8Array(address);
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  if (bytes.length !== 16) return 'unknown';
  const parsed = new ipaddr.IPv6([...bytes]);
  return parsed.isIPv4MappedAddress() ? parsed.toIPv4Address().toString() : parsed.toString();
}
