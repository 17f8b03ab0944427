import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../build/cli/main.js', import.meta.url));

export interface GatewayOptions {
  readonly definitions?: unknown;
  /** A file or folder that is there already, in place of `definitions`. */
  readonly definitionsPath?: string;
  /** `path.to.setting=value`. */
  readonly set?: readonly string[];
  /** Kept over restarts; without one, a folder of its own that is removed at the end. */
  readonly dataFolder?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly nodeArguments?: readonly string[];
  /** Elsewhere than on the loopback. */
  readonly place?: GatewayPlace;
}

/** Where a gateway runs, when the loopback of this process is not where it listens. */
export interface GatewayPlace {
  readonly host: string;
  /** The command that its own is handed to. */
  readonly prefix: readonly string[];
  /** A port of the loopback over there, made reachable from here; its address. */
  reach(port: number): Promise<string>;
}

export interface AdminAnswer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect to be there
  readonly body: any;
}

/** A gateway in a process of its own, on free ports. */
export class Gateway {
  readonly port: number;
  /** Where it serves. */
  readonly url: string;
  readonly adminUrl: string;
  readonly revision: number;
  readonly process: ChildProcess;
  readonly exited: Promise<number | null>;
  readonly dataFolder: string;
  readonly #folder: string | null;
  readonly #log: () => string;

  private constructor(parts: {
    ready: { listen: string; admin: string; revision: number };
    child: ChildProcess;
    exited: Promise<number | null>;
    dataFolder: string;
    folder: string | null;
    log: () => string;
  }) {
    this.url = parts.ready.listen;
    this.port = Number(new URL(this.url).port);
    this.adminUrl = parts.ready.admin;
    this.revision = parts.ready.revision;
    this.process = parts.child;
    this.exited = parts.exited;
    this.dataFolder = parts.dataFolder;
    this.#folder = parts.folder;
    this.#log = parts.log;
  }

  static async start(options: GatewayOptions = {}): Promise<Gateway> {
    const folder = mkdtempSync(join(tmpdir(), 'cutover-test-'));
    const dataFolder = options.dataFolder ?? join(folder, 'data');
    const args = [...(options.nodeArguments ?? []), main, 'serve'];
    if (options.definitions !== undefined) {
      const file = join(folder, 'definitions.json');
      writeFileSync(file, JSON.stringify(options.definitions));
      args.push('--definitions', file);
    }
    if (options.definitionsPath !== undefined) args.push('--definitions', options.definitionsPath);
    const set = ['listen.port=0', 'admin.port=0', `data=${dataFolder}`, ...(options.set ?? [])];
    const { place } = options;
    if (place !== undefined) set.push(`listen.host=${place.host}`);
    for (const one of set) args.push('--set', one);
    const [command = '', ...rest] = [...(place?.prefix ?? []), process.execPath, ...args];
    const child = spawn(command, rest, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
    });
    let out = '';
    let err = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    const exited = new Promise<number | null>((resolve) => {
      child.on('exit', (code) => resolve(code));
    });
    const line = await new Promise<string>((resolve, reject) => {
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        out += text;
        const end = out.indexOf('\n');
        if (end >= 0) resolve(out.slice(0, end));
      });
      void exited.then((code) => reject(new GatewayRefused(code, err)));
    });
    const ready = JSON.parse(line);
    if (place !== undefined) ready.admin = await place.reach(Number(new URL(ready.admin).port));
    return new Gateway({
      ready,
      child,
      exited,
      dataFolder,
      folder,
      log: () => err,
    });
  }

  /** Everything that it wrote on standard error so far. */
  get log(): string {
    return this.#log();
  }

  async admin(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<AdminAnswer> {
    const response = await fetch(this.adminUrl + path, {
      method,
      headers: { authorization: `Bearer ${this.token}`, ...headers },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return {
      status: response.status,
      headers: response.headers,
      body: isJson ? JSON.parse(text) : text,
    };
  }

  /** Applies a set and insists that it was taken. */
  async apply(definitions: unknown): Promise<AdminAnswer['body']> {
    const answer = await this.admin('PUT', '/v1/definitions', definitions);
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body, null, 2));
    return answer.body;
  }

  get token(): string {
    return readFileSync(join(this.dataFolder, 'admin-token'), 'utf8').trim();
  }

  /** SIGTERM, and the exit code. */
  async stop(): Promise<number | null> {
    this.process.kill('SIGTERM');
    const code = await this.exited;
    this.#cleanUp();
    return code;
  }

  /** SIGKILL: what a crash of the machine leaves. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.exited;
    this.#cleanUp();
  }

  /** Resident memory in bytes. */
  residentBytes(): number {
    const status = readFileSync(`/proc/${this.process.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
  }

  #cleanUp(): void {
    if (this.#folder !== null) rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The gateway ended before it was ready. */
export class GatewayRefused extends Error {
  readonly exitCode: number | null;
  readonly output: string;

  constructor(exitCode: number | null, output: string) {
    super(`the gateway ended with ${exitCode}: ${output}`);
    this.exitCode = exitCode;
    this.output = output;
  }
}

/** Waits until a condition holds; the one loop of tests that waits for something outside. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`did not happen within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
