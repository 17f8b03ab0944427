// Goal: a rollback brings back all of a revision, the limits of its upstreams too. Method: an origin
// that answers nobody, and the connections that it sees at once.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Gateway, until } from '../kit/gateway.ts';
import { startRawOrigin } from '../kit/origin.ts';
import { get, RawClient } from '../kit/raw-client.ts';

let gateway: Gateway;
let origin: Awaited<ReturnType<typeof startRawOrigin>>;

function withConnections(connections: number): object {
  return {
    upstreams: { backend: { endpoints: [origin.url], connections } },
    routes: [{ id: 'all', match: { path: '/**' }, upstream: 'backend' }],
  };
}

/** Five clients at once; they get connections of their own where the limit is five. */
async function fiveConnect(): Promise<void> {
  const before = origin.connectionCount();
  const clients = await Promise.all([1, 2, 3, 4, 5].map(() => RawClient.connect(gateway.port)));
  for (const client of clients) client.send(get('/a'));
  try {
    await until('five connections', () => origin.connectionCount() === before + 5, 2_000);
  } finally {
    for (const client of clients) client.close();
  }
}

beforeAll(async () => {
  origin = await startRawOrigin(() => {});
  gateway = await Gateway.start({ definitions: withConnections(5), set: ['workers=1'] });
});
afterAll(async () => {
  await gateway?.stop();
  await origin?.close();
});

test('an upstream has the connections of the revision that was rolled back to', async () => {
  await gateway.apply(withConnections(1));
  const answer = await gateway.admin('POST', `/v1/revisions/${gateway.revision}/rollback`);
  expect(answer.body).toMatchObject({ outcome: 'applied' });
  await fiveConnect();
});

test('an upstream has the connections of a set that is applied again', async () => {
  await gateway.apply(withConnections(1));
  await gateway.apply(withConnections(5));
  await fiveConnect();
});

test('an upstream has the connections of a set that is new', async () => {
  await gateway.apply(withConnections(1));
  await gateway.apply(withConnections(7));
  await fiveConnect();
});
