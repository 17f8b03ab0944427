import { type ParsedHead, ResponseParser } from '../../src/gateway/upstream/response-parser.ts';

/** All that a parser told of the bytes it was given. */
export interface Parsed {
  readonly heads: ParsedHead[];
  body: string;
  ends: number;
  fail: string;
  reusable: boolean;
  done: boolean;
}

interface ParseOptions {
  readonly toHead?: boolean;
  /** The upstream closes after the last piece. */
  readonly close?: boolean;
}

/** Reads one response that comes in these pieces, each at another place of a larger buffer. */
export function parsePieces(
  pieces: readonly string[],
  { toHead = false, close = false }: ParseOptions = {},
): Parsed {
  const parsed: Parsed = { heads: [], body: '', ends: 0, fail: '', reusable: false, done: false };
  const parser = new ResponseParser({
    onHead: (head) => parsed.heads.push(head),
    onChunk: (chunk) => {
      parsed.body += chunk.toString('latin1');
    },
    onEnd: () => {
      parsed.ends += 1;
    },
  });
  parser.expect(toHead);
  for (const piece of pieces) {
    const bytes = Buffer.from(`\r\n\r\n${piece}\r\n\r\n`, 'latin1');
    parser.read(bytes, 4, bytes.length - 4);
    bytes.fill(0);
  }
  if (close) parser.close();
  parsed.fail = parser.fail;
  parsed.reusable = parser.reusable;
  parsed.done = parser.done;
  return parsed;
}

export function parse(text: string, options: ParseOptions = {}): Parsed {
  return parsePieces([text], options);
}

/** Status line and header lines with their empty line. */
export function head(status: string, ...lines: readonly string[]): string {
  return `HTTP/1.1 ${status}\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
}
