// Goal: a worker that dies takes its exchanges along and the ledger says how many. Method: a worker
// thread that ends on command, with one exchange waiting for its origin.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Gateway, until } from '../kit/gateway.ts';
import { type Origin, startOrigin } from '../kit/origin.ts';

const folder = mkdtempSync(join(tmpdir(), 'cutover-test-'));
const command = join(folder, 'end');
const preload = join(folder, 'end-on-command.mjs');
let gateway: Gateway;
let origin: Origin;

beforeAll(async () => {
  writeFileSync(
    preload,
    `import { existsSync, unlinkSync } from 'node:fs';
     import { isMainThread, workerData } from 'node:worker_threads';
     const command = ${JSON.stringify(command)};
     const end = () => {
       if (!existsSync(command)) return;
       unlinkSync(command);
       process.exit(7);
     };
     if (!isMainThread && typeof workerData?.index === 'number') setInterval(end, 10).unref();`,
  );
  origin = await startOrigin(() => undefined);
  gateway = await Gateway.start({
    set: ['workers=1'],
    nodeArguments: ['--import', pathToFileURL(preload).href],
    definitions: {
      upstreams: { silent: { endpoints: [origin.url] } },
      routes: [
        { id: 'hello', match: { path: '/hello' }, respond: { body: 'hello' } },
        { id: 'silent', match: { path: '/silent' }, upstream: 'silent' },
      ],
    },
  });
});

afterAll(async () => {
  await gateway.stop();
  await origin.close();
  rmSync(folder, { recursive: true, force: true });
});

async function ledgerOf(outcome: string, reason: string): Promise<number> {
  const { body } = await gateway.admin('GET', '/metrics');
  const lines = String(body)
    .split('\n')
    .filter((line) => line.startsWith('cutover_exchanges_total{'))
    .filter((line) => line.includes(`outcome="${outcome}"`) && line.includes(`reason="${reason}"`));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

const helloes = () => fetch(`${gateway.url}/hello`, { headers: { connection: 'close' } });

test('what a dead worker had counted stays in the ledger', async () => {
  for (let count = 0; count < 3; count++) expect((await helloes()).status).toBe(200);
  const lost = fetch(`${gateway.url}/silent`).catch(() => undefined);
  await until('the origin has it', () => origin.seen.length === 1);
  expect(await ledgerOf('accepted', '')).toBe(4);
  writeFileSync(command, '');
  await lost;
  await until('the worker ended', () => !existsSync(command));
  await until('another serves', async () => {
    const answer = await helloes().catch(() => null);
    return answer?.status === 200;
  });
  expect(await ledgerOf('failed', 'worker-lost')).toBe(1);
  expect(await ledgerOf('accepted', '')).toBeGreaterThanOrEqual(5);
});
