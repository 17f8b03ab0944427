import { STATUS_CODES } from 'node:http';
import type { HeaderList } from './header-list.ts';

/** `200 OK`; a code without a name gets an empty phrase (RFC 9112, section 4). */
export function statusText(status: number): string {
  return texts[status] ?? `${status} `;
}

const texts: readonly (string | undefined)[] = Array.from({ length: 600 }, (_, status) => {
  const phrase = STATUS_CODES[status];
  return phrase === undefined ? undefined : `${status} ${phrase}`;
});

/**
 * The status with all header lines as one block for `writeStatus`, which writes what it is given
 * and a line end: one crossing into C++ instead of one per header. Values hold no line ends: they
 * come from parsed messages and from templates that were made safe.
 */
export function prepareHead(status: string, headers: HeaderList): string {
  let head = status;
  const { names, values } = headers;
  for (let i = 0; i < names.length; i++) head += `\r\n${names[i]}: ${values[i]}`;
  return head;
}

/**
 * Text goes out as UTF-8 but header bytes are one per character, so other text than ASCII is copied.
 * What is no byte becomes a question mark: its lower half could be a line end.
 */
export function asBytes(head: string): string | Buffer {
  if (!notAscii.test(head)) return head;
  return Buffer.from(head.replace(notByte, '?'), 'latin1');
}

const notAscii = /[\u0080-\uffff]/;
const notByte = /[\u0100-\uffff]/g;
