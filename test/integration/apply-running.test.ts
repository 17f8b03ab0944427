// Goal: an exchange that runs finishes on the shape that it began on, whatever is applied.
// Method: the origin holds responses back while sets are applied, rolled back and refused.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Gateway, until } from '../kit/gateway.ts';
import { get, RawClient } from '../kit/raw-client.ts';
import { type ShapeOrigin, shapeOf, startShapeOrigin } from '../kit/shape-origin.ts';

let origin: ShapeOrigin;
let gateway: Gateway;

beforeAll(async () => {
  origin = await startShapeOrigin();
  gateway = await Gateway.start({ definitions: shapeOf('a', origin), set: ['workers=2'] });
});

afterAll(async () => {
  await gateway.stop();
  await origin.close();
});

async function hold(): Promise<{ client: RawClient; release: () => void }> {
  const client = await RawClient.connect(gateway.port);
  const before = origin.held.length;
  client.send(get('/hold'));
  await until('the origin holds it', () => origin.held.length > before);
  return { client, release: () => origin.held.splice(before, 1)[0]?.() };
}

test('a held exchange has the response policy of the shape that it began on', async () => {
  await gateway.apply(shapeOf('a', origin));
  const { client, release } = await hold();
  await gateway.apply(shapeOf('b', origin));
  release();
  const { headers } = await client.response();
  expect([headers['x-seen'], headers['x-shape-out']]).toEqual([['a'], ['a']]);
  client.send(get('/next'));
  const next = await client.response();
  expect([next.headers['x-seen'], next.headers['x-shape-out']]).toEqual([['b'], ['b']]);
  client.close();
});

test('a held exchange outlives its route and its upstream', async () => {
  await gateway.apply(shapeOf('a', origin));
  const { client, release } = await hold();
  await gateway.apply({ routes: [{ id: 'other', match: { path: '/x' }, respond: {} }] });
  release();
  const { status, headers } = await client.response();
  expect([status, headers['x-shape-out']]).toEqual([200, ['a']]);
  client.send(get('/next'));
  expect((await client.response()).status).toBe(404);
  client.close();
});

test('a held exchange outlives more applies than generations stay loaded', async () => {
  const number = (await gateway.apply(shapeOf('old', origin))).revision;
  const { client, release } = await hold();
  for (let i = 0; i < 6; i++) await gateway.apply(shapeOf(`new-${i}`, origin));
  const pinned = await generationOf(number);
  expect(pinned).toMatchObject({ state: 'draining', pinned: 1 });
  release();
  const { headers } = await client.response();
  expect([headers['x-seen'], headers['x-shape-out']]).toEqual([['old'], ['old']]);
  await until('it is retired', async () => (await generationOf(number)) === undefined);
  const { body } = await gateway.admin('GET', `/v1/revisions/${number}/report`);
  expect(body).toMatchObject({ balanced: true, ledger: { accepted: 1, completed: 1, failed: 0 } });
  client.close();
});

test('a held exchange tells one revision, also when its shape comes back', async () => {
  const marked = shapeOf('${revision}', origin);
  const first = (await gateway.apply(marked)).revision;
  const { client, release } = await hold();
  await gateway.apply(shapeOf('other', origin));
  await gateway.admin('POST', `/v1/revisions/${first}/rollback`);
  release();
  const { headers } = await client.response();
  client.close();
  expect([headers['x-seen'], headers['x-shape-out']]).toEqual([[`${first}`], [`${first}`]]);
});

test('a client that leaves while its exchange is held is counted as aborted', async () => {
  const number = (await gateway.apply(shapeOf('left', origin))).revision;
  const { client } = await hold();
  client.close();
  await until('it is counted', async () => {
    const { body } = await gateway.admin('GET', `/v1/revisions/${number}/report`);
    return body.ledger.aborted === 1;
  });
  expect(await generationOf(number)).toMatchObject({
    pinned: 0,
    ledger: { accepted: 1, completed: 0, aborted: 1 },
  });
  origin.held.splice(0);
});

async function generationOf(revision: number): Promise<object | undefined> {
  const { body } = await gateway.admin('GET', '/v1/nodes');
  return body.nodes[0].generations.find((one: { revision: number }) => one.revision === revision);
}
