import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { CutoverError, messageOf } from '../base/errors.ts';
import { noteLengthMax } from '../base/limits.ts';

/** How a command reaches a node. */
export interface AdminOptions {
  readonly admin: string;
  readonly tokenFile: string;
  readonly json?: boolean;
}

/** A command that talks to a node, with the options that all of these have. */
export function adminCommand(name: string): Command {
  return new Command(name)
    .option('--admin <url>', 'the admin interface of the node', 'http://127.0.0.1:9080')
    .option('--token-file <file>', 'where the token is', './data/admin-token')
    .option('--json', 'print exact JSON');
}

/** The note of a change as a parameter; one that would not be kept whole is refused. */
export function withNote(query: URLSearchParams, note: string | undefined): URLSearchParams {
  if (note === undefined) return query;
  if (note.length > noteLengthMax) {
    const message = `--note has ${note.length} characters; at most ${noteLengthMax} are kept (noteLengthMax)`;
    throw failure('usage', message);
  }
  query.set('note', note);
  return query;
}

/** A call to the admin interface. Anything but success is a CutoverError with its problem's code. */
export async function callAdmin<T>(
  options: AdminOptions,
  method: string,
  path: string,
  body?: unknown,
): Promise<T> {
  const url = urlOf(path, options.admin);
  const headers: Record<string, string> = {
    authorization: `Bearer ${await readToken(options.tokenFile)}`,
    'x-author': encodeURIComponent(process.env['USER'] ?? 'cli'),
  };
  if (body !== undefined) headers['content-type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    const cause =
      error instanceof Error && error.cause !== undefined
        ? messageOf(error.cause)
        : messageOf(error);
    throw failure(
      'node-unreachable',
      `no node answers at ${options.admin} (${cause}); start one with \`npm start\`, or say where it is with --admin URL`,
    );
  }
  const text = await response.text();
  const answer = parse(text);
  if (response.ok) {
    if (typeof answer === 'object' && answer !== null) return answer as T;
    throw failure('no-node', `what answers at ${options.admin} is no node: it sent no JSON`);
  }
  const {
    code = 'http-error',
    detail = text,
    ...context
  } = (answer ?? {}) as Record<string, unknown>;
  if (ofTraffic.test(String(code))) {
    throw failure(
      'no-node',
      `no admin interface answers at ${options.admin}: that is where the gateway takes traffic; its admin interface has a port of its own, 9080 unless told`,
    );
  }
  throw new CutoverError(String(code), String(detail), { source: 'operator', context });
}

/** Codes of the gateway's own replies to clients, which no call of the admin interface has. */
const ofTraffic = /^(no-route|not-ready|method-not-allowed|no-endpoint|breaker-open|upstream-.+)$/;

function urlOf(path: string, admin: string): URL {
  const base = URL.canParse(admin) ? new URL(admin) : null;
  if (base?.protocol === 'http:' || base?.protocol === 'https:') return new URL(path, base);
  throw failure('usage', `--admin ${admin} is no URL; write http://127.0.0.1:9080`);
}

async function readToken(file: string): Promise<string> {
  const where =
    "it is the file admin-token in the node's data folder, say where with --token-file FILE";
  let token: string;
  try {
    token = (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw failure('token-unreadable', `the token cannot be read: ${messageOf(error)}; ${where}`);
  }
  if (tokenPattern.test(token)) return token;
  // Without what is in the file, which may be a secret.
  const message = `${file} does not hold a token, which is one line without blanks; ${where}`;
  throw failure('token-unreadable', message);
}

const tokenPattern = /^[\x21-\x7e]+$/;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function failure(code: string, message: string): CutoverError {
  return new CutoverError(code, message, { source: 'operator' });
}
