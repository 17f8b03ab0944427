// Goal: the process outlives a worker also when its clients ask on and come back at once. Method:
// clients that connect again as soon as their connection ends, while a worker is made to die.
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { startBreakable } from '../kit/breakable-gateway.ts';
import { type Gateway, until } from '../kit/gateway.ts';
import { get } from '../kit/raw-client.ts';

const clientCount = 32;
const requestCount = 20;

/** Clients that never pause; `stop` resolves to how many responses came. */
function load(gateway: Gateway): { count(): number; stop(): void } {
  let count = 0;
  let stopped = false;
  const client = (): void => {
    if (stopped) return;
    const socket = connect({ host: '127.0.0.1', port: gateway.port, noDelay: true });
    let left = requestCount;
    const ask = (): void => {
      left -= 1;
      if (stopped || left < 0) socket.destroy();
      else socket.write(get('/hello'));
    };
    socket.on('connect', ask);
    socket.on('data', (bytes) => {
      if (bytes.includes('hello')) count += 1;
      ask();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => setImmediate(client));
  };
  for (let i = 0; i < clientCount; i++) client();
  return {
    count: () => count,
    stop: () => {
      stopped = true;
    },
  };
}

const ready = async (gateway: Gateway): Promise<number> => {
  const { body } = await gateway.admin('GET', '/v1/nodes');
  return body.nodes[0].workers.filter(({ state }: { state: string }) => state === 'ready').length;
};

const alive = (gateway: Gateway): boolean =>
  gateway.process.exitCode === null && gateway.process.signalCode === null;

test.each([
  ['exits', 'process.exit(3)', []],
  ['spins', 'for (;;);', []],
  [
    'runs out of heap',
    'const a = []; for (;;) a.push(new Array(1000).fill({}));',
    ['--max-old-space-size=96'],
  ],
])(
  'a worker that %s',
  async (_name, code, nodeArguments) => {
    const { gateway, run } = await startBreakable({
      set: ['workers=2'],
      nodeArguments,
      definitions: {
        routes: [{ id: 'hello', match: { path: '/hello' }, respond: { body: 'hello' } }],
      },
    });
    const clients = load(gateway);
    await until('they are served', () => clients.count() > 1_000);
    for (let round = 1; round <= 2; round++) {
      await run('worker-1', code);
      const told = (): number => gateway.log.split('worker lost').length - 1;
      await until('it is lost', () => !alive(gateway) || told() === round, 20_000);
      expect(alive(gateway)).toBe(true);
      await until('it is back', async () => (await ready(gateway)) === 2, 15_000);
      const before = clients.count();
      await until('they are served again', () => clients.count() > before + 1_000);
    }
    clients.stop();
    expect(await gateway.stop()).toBe(0);
  },
  90_000,
);
