// Goal: a drained stop keeps the cache warm for the next start, once, and off by setting. Method: a
// gateway that is stopped and started on the same data folder, and an origin that counts.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { testFolder } from '../kit/folder.ts';
import { Gateway } from '../kit/gateway.ts';
import { type Origin, startOrigin } from '../kit/origin.ts';
import { exchange, get } from '../kit/raw-client.ts';

let origin: Origin;

beforeAll(async () => {
  origin = await startOrigin((_request, response) => {
    response.setHeader('cache-control', 'max-age=600');
    response.end('origin');
  });
});

afterAll(async () => {
  await origin?.close();
});

beforeEach(() => {
  origin.seen.length = 0;
});

const definitions = (change: Record<string, unknown> = {}): unknown => ({
  upstreams: { main: { endpoints: [origin.url] } },
  routes: [{ id: 'all', match: { path: '/**' }, upstream: 'main', cache: {}, ...change }],
});

const start = (dataFolder: string, ...set: string[]): Promise<Gateway> =>
  Gateway.start({ dataFolder, definitions: definitions(), set });

async function statusOf(gateway: Gateway, path: string): Promise<string> {
  const { headers, body } = await exchange(gateway.port, get(path));
  expect(body).toBe('origin');
  return headers['cache-status']?.[0] ?? '';
}

/** A gateway that has stored `/a` and was stopped. */
async function stoppedWarm(dataFolder: string, ...set: string[]): Promise<void> {
  const gateway = await start(dataFolder, ...set);
  await statusOf(gateway, '/a');
  expect(await gateway.stop()).toBe(0);
}

test('the next start answers from what the last one had', async () => {
  const dataFolder = join(testFolder(), 'data');
  await stoppedWarm(dataFolder);
  const again = await start(dataFolder);
  expect(await statusOf(again, '/a')).toMatch(/^cutover; hit; ttl=59\d$/);
  expect(await statusOf(again, '/b')).toContain('fwd=uri-miss');
  expect(origin.seen.map(({ url }) => url)).toEqual(['/a', '/b']);
  await again.kill();
});

test('a crash leaves none, since nobody knows what was busted after the last one', async () => {
  const dataFolder = join(testFolder(), 'data');
  await stoppedWarm(dataFolder);
  await (await start(dataFolder)).kill();
  const third = await start(dataFolder);
  expect(await statusOf(third, '/a')).toContain('fwd=uri-miss');
  await third.kill();
});

test('cache.snapshot=false keeps nothing', async () => {
  const dataFolder = join(testFolder(), 'data');
  await stoppedWarm(dataFolder, 'cache.snapshot=false');
  expect(existsSync(join(dataFolder, 'cache-snapshot'))).toBe(false);
});

test('what does not fit is dropped, said, and no obstacle', async () => {
  const dataFolder = join(testFolder(), 'data');
  await stoppedWarm(dataFolder);
  writeFileSync(join(dataFolder, 'cache-snapshot'), 'CUTSNAP1'.padEnd(200, 'x'));
  const again = await start(dataFolder);
  expect(await statusOf(again, '/a')).toContain('fwd=uri-miss');
  expect(again.log).toContain('the checksum does not fit');
  await again.stop();
});

test('entries of a route whose shape changed are left out', async () => {
  const dataFolder = join(testFolder(), 'data');
  await stoppedWarm(dataFolder);
  const changed = definitions({ rewrite: { path: '/other/{**}' } });
  const again = await Gateway.start({ dataFolder, definitions: changed });
  await again.apply(changed);
  expect(await statusOf(again, '/a')).not.toContain('hit');
  await again.kill();
});
