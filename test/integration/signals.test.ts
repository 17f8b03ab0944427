// Goal: one wish to stop is a drain, a second one an end; also when the wish goes through npm.
// Method: signals to gateways, and to an npm that runs one, while the origin holds a response.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { testFolder } from '../kit/folder.ts';
import { Gateway, until } from '../kit/gateway.ts';
import { type Origin, startOrigin } from '../kit/origin.ts';
import { get, RawClient } from '../kit/raw-client.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const held: (() => void)[] = [];
let origin: Origin;

beforeAll(async () => {
  origin = await startOrigin((_request, response) => held.push(() => response.end('held')));
});

beforeEach(() => {
  held.length = 0;
});

afterAll(async () => {
  await origin.close();
});

/** A gateway that has one exchange running, for as long as the test wants. */
async function startHolding(): Promise<{ gateway: Gateway; client: RawClient }> {
  const gateway = await Gateway.start({
    definitions: {
      upstreams: { origin: { endpoints: [origin.url] } },
      routes: [{ id: 'all', match: { path: '/**' }, upstream: 'origin' }],
    },
    set: ['workers=1', 'drain.timeout=1m'],
  });
  onTestFinished(() => gateway.kill());
  const client = await RawClient.connect(gateway.port);
  client.send(get('/hold'));
  await until('the origin holds it', () => held.length > 0);
  return { gateway, client };
}

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  test('twice at once is one drain, which exits with 0', async () => {
    const { gateway, client } = await startHolding();
    gateway.process.kill(signal);
    gateway.process.kill(signal);
    await until('it drains', () => gateway.log.includes('draining'));
    held[0]?.();
    expect((await client.response()).body).toBe('held');
    expect(await gateway.exited).toBe(0);
  });

  test('again and again ends it at once, with 1, and the next start is free to use the data', async () => {
    const { gateway, client } = await startHolding();
    await until('it ends', () => {
      gateway.process.kill(signal);
      return gateway.process.exitCode !== null;
    });
    expect(gateway.process.exitCode).toBe(1);
    expect(gateway.log).toContain('asked again');
    await client.ended();
    const next = await Gateway.start({ dataFolder: gateway.dataFolder });
    onTestFinished(() => next.kill());
    expect(next.revision).toBe(1);
  });

  test('to the npm that runs it reaches it, and npm exits with its code', async () => {
    const set = ['listen.port=0', 'admin.port=0', `data=${join(testFolder(), 'data')}`];
    const args = ['start', '--silent', '--', ...set.flatMap((one) => ['--set', one])];
    const npm = spawn('npm', args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    onTestFinished(() => void npm.kill('SIGKILL'));
    let out = '';
    let log = '';
    npm.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    npm.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    await until('it is ready', () => out.includes('"event":"ready"'), 50_000);
    npm.kill(signal);
    await until('npm ends', () => npm.exitCode !== null || npm.signalCode !== null);
    expect([npm.exitCode, npm.signalCode]).toEqual([0, null]);
    expect(log).toContain('draining');
  }, 40_000);
});
