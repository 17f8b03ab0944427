// Goal: a node promises the same whether it is on its own or in a cluster: who calls it need not know.
// Method: one suite, over a gateway of each kind, from outside; the cluster is a real member.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Members } from '../../bench/kit/members.mjs';
import { CachedGateway, isHit } from '../kit/cached-gateway.ts';
import { oneMember } from '../kit/cluster.ts';
import { Gateway, until } from '../kit/gateway.ts';
import { exchange, get } from '../kit/raw-client.ts';

const kinds = ['memory', 'hazelcast'] as const;

describe.each(kinds)('cluster.kind: %s', (kind) => {
  let members: Members | null = null;
  let node: CachedGateway;
  let gateway: Gateway;
  let definitions: (said: string) => object;

  beforeAll(async () => {
    if (kind === 'hazelcast') members = await oneMember();
    const set = ['node.id=one', 'workers=1', ...(members?.settings ?? [])];
    node = await CachedGateway.start(
      (url) => {
        definitions = (said) => definitionsOf(url, said);
        return definitions('first');
      },
      { set },
    );
    gateway = node.gateway;
    await until('it confirms busts', async () => (await bust({ tags: ['none'] })).status === 200);
  }, 60_000);

  afterAll(async () => {
    await node.origin.close();
    gateway.process.kill('SIGKILL');
    await members?.stop();
  });

  const bust = (body: unknown) => gateway.admin('POST', '/v1/cache/bust', body);
  const put = (body: unknown, query = '', headers = {}) =>
    gateway.admin('PUT', `/v1/definitions${query}`, body, headers);
  const said = async () => (await node.ask('/said')).body;

  test('an apply is answered when every worker serves it', async () => {
    const { status, body } = await put(definitions('second'));
    expect([status, body.outcome, await said()]).toEqual([200, 'applied', 'second']);
    expect(body.nodes).toEqual([
      { id: 'one', workers: [{ id: 0, switchedMs: expect.any(Number) }] },
    ]);
  });

  test('numbers of revisions grow, and the same again is unchanged', async () => {
    const { revision } = await gateway.apply(definitions('third'));
    const again = await gateway.apply(definitions('third'));
    expect([again.outcome, again.revision]).toEqual(['unchanged', revision]);
    expect((await gateway.apply(definitions('fourth'))).revision).toBe(revision + 1);
  });

  test.each([
    ['with problems', 'routes: [{ id: x }]', 'definitions-invalid'],
    ['that takes all away', '{}', 'definitions-empty'],
  ])('a set %s is refused, and nothing changes', async (_what, body, code) => {
    const before = await said();
    const answer = await put(body);
    expect([answer.status, answer.body.code, await said()]).toEqual([422, code, before]);
  });

  test('a change on top of what is not active is refused', async () => {
    const before = await said();
    const answer = await put(definitions('lost'), '', { 'if-match': '"other"' });
    expect([answer.status, await said()]).toEqual([412, before]);
  });

  test('a rollback is another revision', async () => {
    const { revision } = await gateway.apply(definitions('wanted'));
    await gateway.apply(definitions('regretted'));
    const { body } = await gateway.admin('POST', `/v1/revisions/${revision}/rollback`);
    expect([body.outcome, body.revision, await said()]).toEqual([
      'applied',
      revision + 2,
      'wanted',
    ]);
  });

  test('a bust is answered when no worker has it any more, with what each took', async () => {
    await node.warm('/page/one');
    const { status, body } = await bust({ tags: ['page-one'] });
    expect([status, body.queued, body.entries]).toEqual([200, false, 1]);
    const workers = [{ id: 0, droppedMs: expect.any(Number) }];
    expect(body.nodes).toEqual([expect.objectContaining({ id: 'one', workers })]);
    expect(isHit(await node.ask('/page/one'))).toBe(false);
  });

  test('positions of busts grow', async () => {
    const first = (await bust({ tags: ['a'] })).body.position;
    expect((await bust({ tags: ['a'] })).body.position).toBeGreaterThan(first);
  });

  test('what a client changes is not answered from the cache', async () => {
    await node.warm('/page/two');
    const request = 'POST /page/two HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n';
    expect((await exchange(gateway.port, request)).status).toBe(200);
    await until('it is asked for anew', async () => !isHit(await node.ask('/page/two')));
  });

  test('a strict route is answered from the cache', async () => {
    await node.warm('/strict/one');
  });

  test('a rate limit admits as many as it says', async () => {
    const statuses: number[] = [];
    for (let count = 0; count < 8; count++) statuses.push((await node.ask('/limited')).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429, 429]);
  });

  test('nodes, cache and figures are told of', async () => {
    const { nodes } = (await gateway.admin('GET', '/v1/nodes')).body;
    expect(nodes).toHaveLength(1);
    expect(nodes[0]).toMatchObject({ id: 'one', ready: true });
    expect((await gateway.admin('GET', '/v1/cache')).status).toBe(200);
    expect((await gateway.admin('GET', '/metrics')).body).toContain('cutover_cache_');
  });

  test('a start serves what was served, and counts on', async () => {
    const { revision } = await gateway.apply(definitions('kept'));
    const { dataFolder } = gateway;
    gateway.process.kill('SIGKILL');
    await gateway.exited;
    const set = ['node.id=one', 'workers=1', ...(members?.settings ?? [])];
    gateway = await Gateway.start({ dataFolder, set });
    expect(gateway.revision).toBe(revision);
    expect((await exchange(gateway.port, get('/said'))).body).toBe('kept');
    expect((await gateway.apply(definitions('after'))).revision).toBe(revision + 1);
  }, 60_000);
});

function definitionsOf(url: string, said: string): object {
  const page = (id: string, more: object) => ({
    id,
    match: { path: `/${id}/{name}` },
    upstream: 'origin',
    cache: { tags: [`${id}-{name}`], ...more },
  });
  return {
    upstreams: { origin: { endpoints: [url] } },
    routes: [
      { id: 'said', match: { path: '/said' }, respond: { body: said } },
      page('page', {}),
      page('strict', { strict: true }),
      {
        id: 'limited',
        match: { path: '/limited' },
        respond: { body: 'yes' },
        policies: [{ 'rate-limit': { limit: 5, window: '1h', by: 'ip' } }],
      },
    ],
  };
}
