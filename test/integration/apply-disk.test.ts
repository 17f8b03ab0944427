// Goal: an apply that the disk refuses is never taken for one that was acknowledged.
// Method: a folder stands where the history writes a file; then it is removed, and the node killed.
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { testFolder } from '../kit/folder.ts';
import { Gateway } from '../kit/gateway.ts';
import { exchange, get } from '../kit/raw-client.ts';

function saying(body: string) {
  return { routes: [{ id: 'say', match: { path: '/say' }, respond: { body } }] };
}

async function said(gateway: Gateway): Promise<string> {
  return (await exchange(gateway.port, get('/say'))).body;
}

async function start(dataFolder: string, body?: string): Promise<Gateway> {
  const definitions = body === undefined ? {} : { definitions: saying(body) };
  const gateway = await Gateway.start({ dataFolder, ...definitions });
  onTestFinished(() => gateway.kill());
  return gateway;
}

test('a revision that cannot be recorded is not applied, and the next one is', async () => {
  const dataFolder = join(testFolder(), 'data');
  const gateway = await start(dataFolder, 'old');
  const obstacle = join(dataFolder, 'revisions', '000002.json.tmp');
  mkdirSync(obstacle);
  const { status } = await gateway.admin('PUT', '/v1/definitions', saying('new'));
  expect([status, await said(gateway)]).toEqual([500, 'old']);
  rmdirSync(obstacle);
  expect((await gateway.apply(saying('newer'))).outcome).toBe('applied');
  expect(await said(gateway)).toBe('newer');
});

test('a head that cannot be moved: what is acknowledged later outlives a kill', async () => {
  const dataFolder = join(testFolder(), 'data');
  const gateway = await start(dataFolder, 'old');
  const obstacle = join(dataFolder, 'head.tmp');
  mkdirSync(obstacle);
  const { status } = await gateway.admin('PUT', '/v1/definitions', saying('new'));
  expect(status).toBe(500);
  rmdirSync(obstacle);
  await gateway.apply(saying('new'));
  await gateway.kill();
  expect(await said(await start(dataFolder))).toBe('new');
});

test('a head that cannot be moved: what is served is what the node says', async () => {
  const dataFolder = join(testFolder(), 'data');
  const gateway = await start(dataFolder, 'old');
  mkdirSync(join(dataFolder, 'head.tmp'));
  await gateway.admin('PUT', '/v1/definitions', saying('new'));
  const { body } = await gateway.admin('GET', '/v1/definitions');
  expect(body.routes[0].respond.body).toBe(await said(gateway));
});
