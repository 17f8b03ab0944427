// Goal: a definitions file seeds a node, and counts again only when it has changed.
// Method: restarts on one data folder with the same file, a changed one, a wrong one and none.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { testFolder } from '../kit/folder.ts';
import { Gateway, GatewayRefused } from '../kit/gateway.ts';
import { exchange, get } from '../kit/raw-client.ts';

function saying(body: string) {
  return { routes: [{ id: 'say', match: { path: '/say' }, respond: { body } }] };
}

async function start(dataFolder: string, definitions?: unknown): Promise<Gateway> {
  const gateway = await Gateway.start({ dataFolder, definitions });
  onTestFinished(() => gateway.kill());
  return gateway;
}

async function served(gateway: Gateway): Promise<[number, string]> {
  return [gateway.revision, (await exchange(gateway.port, get('/say'))).body];
}

test('the same file again leaves what was applied since, and says so', async () => {
  const dataFolder = join(testFolder(), 'data');
  const first = await start(dataFolder, saying('file'));
  await first.apply(saying('applied'));
  await first.stop();
  const second = await start(dataFolder, saying('file'));
  expect(await served(second)).toEqual([2, 'applied']);
  expect(second.log).toMatch(/serving revision 2, which differs from .*definitions\.json/);
});

test('a changed file is applied on top, once', async () => {
  const dataFolder = join(testFolder(), 'data');
  const first = await start(dataFolder, saying('file'));
  await first.apply(saying('applied'));
  await first.stop();
  const second = await start(dataFolder, saying('changed'));
  expect(await served(second)).toEqual([3, 'changed']);
  await second.apply(saying('applied again'));
  await second.stop();
  const third = await start(dataFolder, saying('changed'));
  expect(await served(third)).toEqual([4, 'applied again']);
});

test('the same file without an apply since makes no revision', async () => {
  const dataFolder = join(testFolder(), 'data');
  await (await start(dataFolder, saying('file'))).kill();
  expect(await served(await start(dataFolder, saying('file')))).toEqual([1, 'file']);
});

test('no file leaves what was served', async () => {
  const dataFolder = join(testFolder(), 'data');
  await (await start(dataFolder, saying('file'))).stop();
  expect(await served(await start(dataFolder))).toEqual([1, 'file']);
});

test('a wrong file later: the head is served and the log names the problem', async () => {
  const dataFolder = join(testFolder(), 'data');
  await (await start(dataFolder, saying('file'))).stop();
  const second = await start(dataFolder, { routes: [{ id: 'say' }] });
  expect(await served(second)).toEqual([1, 'file']);
  expect(second.log).toMatch(/has problems; serving revision 1/);
  expect(second.log).toMatch(/routes\[0\]/);
});

test('a file without routes later: the head is served and the log says so', async () => {
  const dataFolder = join(testFolder(), 'data');
  await (await start(dataFolder, saying('file'))).stop();
  const second = await start(dataFolder, { routes: [] });
  expect(await served(second)).toEqual([1, 'file']);
  expect(second.log).toMatch(/has no routes; serving revision 1/);
});

test('a wrong file at a first start ends it with every problem', async () => {
  const definitions = { routes: [{ id: 'say' }, { id: 'two', match: { path: 'x' } }] };
  const refusal = await Gateway.start({ definitions }).catch((error) => error);
  expect(refusal).toBeInstanceOf(GatewayRefused);
  expect(refusal.exitCode).toBe(1);
  expect(refusal.output).toMatch(/definitions\.json:1:\d+: routes\[0\]/);
  expect(refusal.output).toMatch(/definitions\.json:1:\d+: routes\[1\]/);
});

test('a folder of files is one set', async () => {
  const folder = testFolder();
  const definitions = join(folder, 'definitions');
  mkdirSync(definitions);
  writeFileSync(
    join(definitions, 'b.yaml'),
    'routes: [{ id: b, match: { path: /b }, respond: {} }]',
  );
  writeFileSync(join(definitions, 'a.json'), JSON.stringify(saying('folder')));
  writeFileSync(join(definitions, 'notes.txt'), 'not read');
  const gateway = await Gateway.start({
    dataFolder: join(folder, 'data'),
    definitionsPath: definitions,
  });
  onTestFinished(() => gateway.kill());
  expect(await served(gateway)).toEqual([1, 'folder']);
  expect((await exchange(gateway.port, get('/b'))).status).toBe(200);
});

test('a folder without files ends a first start', async () => {
  const definitionsPath = testFolder();
  const refusal = await Gateway.start({ definitionsPath }).catch((error) => error);
  expect([refusal.exitCode, refusal.output]).toEqual([
    1,
    expect.stringContaining(`${definitionsPath} has no file of definitions`),
  ]);
});

test('a folder without files later: the head is served and the log says so', async () => {
  const definitionsPath = testFolder();
  const dataFolder = join(testFolder(), 'data');
  await (await start(dataFolder, saying('file'))).stop();
  const second = await Gateway.start({ dataFolder, definitionsPath });
  onTestFinished(() => second.kill());
  expect(await served(second)).toEqual([1, 'file']);
  expect(second.log).toMatch(/has no file of definitions.*; serving revision 1/);
});

test('a file that is not there ends a first start', async () => {
  const definitionsPath = join(testFolder(), 'none.yaml');
  const refusal = await Gateway.start({ definitionsPath }).catch((error) => error);
  expect(refusal.exitCode).toBe(1);
  expect(refusal.output).toContain(`${definitionsPath} cannot be read`);
});
