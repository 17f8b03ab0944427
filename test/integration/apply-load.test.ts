// Goal: an apply under load loses nothing, mixes nothing and is answered after the last switch.
// Method: keep-alive raw clients that never retry run through two workers while sets are applied;
// the origin echoes what the request policy set, to be compared with what the response policy set.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Gateway, until } from '../kit/gateway.ts';
import { get, RawClient } from '../kit/raw-client.ts';
import { type ShapeOrigin, shapeOf, startShapeOrigin } from '../kit/shape-origin.ts';

const clientCount = 12;
const applyCount = 20;

let origin: ShapeOrigin;
let gateway: Gateway;

beforeAll(async () => {
  origin = await startShapeOrigin();
  gateway = await Gateway.start({ definitions: shapeOf(0, origin), set: ['workers=2'] });
});

afterAll(async () => {
  await gateway.stop();
  await origin.close();
});

describe('an apply under load', () => {
  const odd: string[] = [];
  let done = false;
  let answered = 0;
  let responseCount = 0;
  const clients: RawClient[] = [];
  const localPorts: (number | undefined)[] = [];

  async function run(client: RawClient, path: string): Promise<void> {
    while (!done) {
      const floor = answered;
      client.send(get(path));
      const { status, headers, body } = await client.response();
      responseCount += 1;
      const out = path === '/mark' ? body : headers['x-shape-out']?.[0];
      const seen = path === '/mark' ? body : headers['x-seen']?.[0];
      if (status !== 200) odd.push(`status ${status}`);
      if (seen !== out) odd.push(`request policy of ${seen}, response policy of ${out}`);
      if (Number(out) < floor) odd.push(`shape ${out} after the answer of ${floor}`);
    }
  }

  beforeAll(async () => {
    for (let i = 0; i < clientCount; i++) clients.push(await RawClient.connect(gateway.port));
    localPorts.push(...clients.map(({ socket }) => socket.localPort));
    const loops = clients.map((client, i) =>
      run(client, i % 3 === 0 ? '/mark' : `/echo/${i}`).catch((error) => odd.push(String(error))),
    );
    for (let mark = 1; mark <= applyCount; mark++) {
      const before = responseCount;
      await until('some responses between two applies', () => responseCount >= before + 50);
      const { revision } = await gateway.apply(shapeOf(mark, origin));
      answered = mark;
      if (revision !== mark + 1) odd.push(`revision ${revision} for mark ${mark}`);
    }
    const before = responseCount;
    await until('responses after the last', () => responseCount >= before + 50);
    done = true;
    await Promise.all(loops);
  }, 60_000);

  test('no exchange fails, mixes two shapes, or gets an old shape after the answer', () => {
    expect(odd).toEqual([]);
  });

  test('every keep-alive connection is still open and served', async () => {
    const answers = clients.map(async (client) => {
      client.send(get('/mark'));
      return (await client.response()).body;
    });
    expect(await Promise.all(answers)).toEqual(clients.map(() => String(applyCount)));
    expect(clients.map(({ socket }) => socket.localPort)).toEqual(localPorts);
    for (const client of clients) client.close();
  });

  test('both workers had their part of the connections', async () => {
    await until('the connections are gone', async () => (await connections()).join() === '0,0');
    const own: RawClient[] = [];
    for (let i = 0; i < 4; i++) own.push(await RawClient.connect(gateway.port));
    await until('they are dealt', async () => (await connections()).join() === '2,2');
    for (const client of own) client.close();
  });

  test('upstream connections were opened once and kept', () => {
    const proxied = localPorts.filter((_, i) => i % 3 !== 0).length;
    expect(origin.connectionCount()).toBeLessThanOrEqual(proxied);
  });

  test('the ledger of every retired revision is equal on both sides', async () => {
    await until('the oldest are retired', async () => {
      const { body } = await gateway.admin('GET', '/v1/nodes');
      return body.nodes[0].generations.length === 4;
    });
    const { body } = await gateway.admin('GET', '/v1/revisions?limit=100');
    const retired = body.revisions.filter((one: { ledger?: object }) => one.ledger !== undefined);
    expect(retired).toHaveLength(applyCount + 1 - 4);
    for (const { balanced, ledger } of retired) {
      expect(balanced).toBe(true);
      expect(ledger.accepted).toBe(ledger.completed);
      expect(ledger.accepted).toBeGreaterThan(0);
    }
  });
});

async function connections(): Promise<number[]> {
  const { body } = await gateway.admin('GET', '/v1/nodes');
  return body.nodes[0].workers.map((one: { connections: number }) => one.connections);
}
