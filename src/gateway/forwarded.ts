import ipaddr from 'ipaddr.js';
import type { ForwardedSettings } from '../model/settings.ts';
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

  /** Whether a field of the client's is replaced by what `append` writes. */
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

  append(exchange: Exchange, into: string[]): void {
    const { style, via } = this.#settings;
    const { headers } = exchange;
    if (via !== '') {
      const before = headers.joined('via');
      into.push('via', before === undefined ? this.#via : `${before}, ${this.#via}`);
    }
    if (style === 'off') return;
    const ip = exchange.clientIp();
    const believed = this.#trusted.length > 0 && this.#isTrusted(ip);
    if (style !== 'forwarded') {
      const before = believed ? headers.joined('x-forwarded-for') : undefined;
      into.push('x-forwarded-for', before === undefined ? ip : `${before}, ${ip}`);
      into.push('x-forwarded-host', (believed && headers.get('x-forwarded-host')) || headers.host);
      into.push('x-forwarded-proto', (believed && headers.get('x-forwarded-proto')) || 'http');
    }
    if (style !== 'x-forwarded') {
      const before = believed ? headers.joined('forwarded') : undefined;
      const node = ip.includes(':') ? `"[${ip}]"` : ip;
      const own = `for=${node};host="${headers.host}";proto=http`;
      into.push('forwarded', before === undefined ? own : `${before}, ${own}`);
    }
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
