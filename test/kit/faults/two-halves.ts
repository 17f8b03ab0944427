import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { present } from '../../../src/base/assert.ts';
import type { GatewayPlace } from '../gateway.ts';

const relay = fileURLToPath(new URL('relay.mjs', import.meta.url));

/** Of those that RFC 2544 keeps for tests of networks; one of 256 by process. */
const network = `198.18.${process.pid % 256}`;

let count = 0;

/**
 * Two machines, as network namespaces that a switch joins, and the test before both. When the switch
 * is cut nothing goes from one to the other, and nobody is told; the test reaches both all the time.
 *
 *   near ─┐
 *   far  ─┼─ switch
 *   test ─┘
 */
export class TwoHalves {
  /** The test's address. */
  readonly host = `${network}.1`;
  readonly near: GatewayPlace;
  readonly far: GatewayPlace;
  readonly #name = `cut${process.pid}${'abcdefgh'[count++ % 8]}`;
  readonly #relays: ChildProcess[] = [];

  private constructor() {
    this.near = this.#place('n', `${network}.2`);
    this.far = this.#place('f', `${network}.3`);
  }

  /** A text: why there can be none here. */
  static start(): TwoHalves | string {
    const halves = new TwoHalves();
    try {
      halves.#make();
      return halves;
    } catch (error) {
      halves.remove();
      return `no network namespaces here: ${error instanceof Error ? error.message : error}`;
    }
  }

  cut(): void {
    this.#isolate('on');
  }

  heal(): void {
    this.#isolate('off');
  }

  /** What runs in them must have ended. */
  remove(): void {
    for (const one of this.#relays) one.kill('SIGKILL');
    const made = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout ?? '';
    for (const half of ['n', 'f', 's']) {
      const name = `${this.#name}${half}`;
      // With the namespace of the switch go its ends of the cables, and with these the other ends.
      if (made.includes(name)) spawnSync('ip', ['netns', 'del', name]);
    }
    spawnSync('ip', ['link', 'del', `${this.#name}t`], { stdio: 'ignore' });
  }

  #make(): void {
    const hub = `${this.#name}s`;
    ip('netns', 'add', hub);
    ip('-n', hub, 'link', 'add', 'switch', 'type', 'bridge');
    ip('-n', hub, 'link', 'set', 'switch', 'up');
    for (const half of ['n', 'f']) ip('netns', 'add', `${this.#name}${half}`);
    this.#connect('t', this.host);
    this.#connect('n', this.near.host);
    this.#connect('f', this.far.host);
  }

  /** A cable from one side to the switch. */
  #connect(side: 't' | 'n' | 'f', host: string): void {
    const [end, port, hub] = [`${this.#name}${side}`, `port${side}`, `${this.#name}s`];
    ip('link', 'add', end, 'type', 'veth', 'peer', 'name', port, 'netns', hub);
    ip('-n', hub, 'link', 'set', port, 'master', 'switch', 'up');
    const there = side === 't' ? [] : ['-n', end];
    if (side !== 't') {
      ip('link', 'set', end, 'netns', end);
      ip(...there, 'link', 'set', 'lo', 'up');
    }
    ip(...there, 'address', 'add', `${host}/24`, 'dev', end);
    ip(...there, 'link', 'set', end, 'up');
  }

  /** Ports of a switch that are isolated reach others, and not each other. */
  #isolate(state: 'on' | 'off'): void {
    for (const side of ['n', 'f']) {
      const port = ['dev', `port${side}`, 'type', 'bridge_slave'];
      ip('-n', `${this.#name}s`, 'link', 'set', ...port, 'isolated', state);
    }
  }

  #place(half: 'n' | 'f', host: string): GatewayPlace {
    const prefix = ['ip', 'netns', 'exec', `${this.#name}${half}`];
    return { host, prefix, reach: (port) => this.#reach({ host, prefix }, port) };
  }

  async #reach(place: Pick<GatewayPlace, 'host' | 'prefix'>, port: number): Promise<string> {
    const [command = '', ...args] = [
      ...place.prefix,
      process.execPath,
      relay,
      place.host,
      `${port}`,
    ];
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#relays.push(child);
    const out = present(child.stdout, 'its output is a pipe');
    const [line] = await once(out.setEncoding('utf8'), 'data');
    return `http://${place.host}:${Number(line)}`;
  }
}

function ip(...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status === 0) return;
  throw new Error(`ip ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
}
