// Goal: an apply through any node is an apply of all: every live node is ready before any switches,
// the answer tells of each, one of two at once wins, who was away follows, and an empty cluster is
// given what its nodes have. Method: a real member and gateways, asked from outside.
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import type { Member, Members } from '../../bench/kit/members.mjs';
import { oneMember } from '../kit/cluster.ts';
import { eachHears } from '../kit/fleet.ts';
import { type AdminAnswer, Gateway, type GatewayOptions, until } from '../kit/gateway.ts';

let members: Members | undefined;
let gateways: Gateway[] = [];

afterEach(async () => {
  for (const gateway of gateways) await gateway.kill();
  gateways = [];
  await members?.stop();
});

function saying(body: string, more: readonly unknown[] = []): unknown {
  return { routes: [{ id: 'hello', match: { path: '/hello' }, respond: { body } }, ...more] };
}

async function startNode(name: string, options: GatewayOptions = {}): Promise<Gateway> {
  const set = [...(members as Members).settings, `node.id=${name}`, 'workers=1'];
  const gateway = await Gateway.start({ ...options, set });
  gateways.push(gateway);
  return gateway;
}

async function startThree(): Promise<readonly [Gateway, Gateway, Gateway]> {
  members = await oneMember();
  const definitions = saying('one');
  const one = (name: string): Promise<Gateway> => startNode(name, { definitions });
  const nodes = await Promise.all([one('node-a'), one('node-b'), one('node-c')]);
  await eachHears(nodes);
  return nodes;
}

async function hello(gateway: Gateway): Promise<string> {
  return (await fetch(`${gateway.url}/hello`)).text();
}

function apply(gateway: Gateway, definitions: unknown, query = ''): Promise<AdminAnswer> {
  return gateway.admin('PUT', `/v1/definitions${query}`, definitions);
}

async function revisionOf(gateway: Gateway): Promise<number> {
  return (await gateway.admin('GET', '/v1/nodes')).body.nodes[0].revision;
}

test('nodes that start at once with one file serve one revision; an apply reaches all before it is answered', async () => {
  const [a, b, c] = await startThree();
  expect(await Promise.all([a, b, c].map(revisionOf))).toEqual([1, 1, 1]);
  for (const [index, through] of [b, c, a, b].entries()) {
    const answer = await apply(through, saying(`text ${index}`), '?note=by%20test');
    expect(answer).toMatchObject({
      status: 200,
      body: { outcome: 'applied', revision: index + 2 },
    });
    const ids = answer.body.nodes.map(({ id }: { id: string }) => id).sort();
    expect(ids).toEqual(['node-a', 'node-b', 'node-c']);
    for (const { workers } of answer.body.nodes) expect(workers).toHaveLength(1);
    expect(await Promise.all([a, b, c].map(hello))).toEqual(Array(3).fill(`text ${index}`));
  }
  const { body } = await c.admin('GET', '/v1/revisions/5');
  expect(body).toMatchObject({ revision: 5, note: 'by test', state: 'acknowledged' });
  const back = await c.admin('POST', '/v1/revisions/2/rollback');
  expect(back).toMatchObject({ status: 200, body: { outcome: 'applied', revision: 6 } });
  expect(await Promise.all([a, b, c].map(hello))).toEqual(Array(3).fill('text 0'));
});

test('of two applies at once through two nodes one wins, and the other is told', async () => {
  const [a, b, c] = await startThree();
  for (let round = 0; round < 5; round += 1) {
    const answers = await Promise.all([
      apply(a, saying(`a ${round}`)),
      apply(b, saying(`b ${round}`)),
    ]);
    const statuses = answers.map(({ status }) => status).sort();
    // One after the other is as good, when the first was quick.
    expect(['200,409', '200,200']).toContain(statuses.join());
    const texts = await Promise.all([a, b, c].map(hello));
    expect(new Set(texts).size).toBe(1);
  }
});

test('a node that cannot be ready is named, and no node switches; a majority is enough if that is asked for', async () => {
  members = await oneMember();
  const token = { env: 'DEBUG_TOKEN' };
  const cached = { id: 'c', match: { path: '/c' }, upstream: 'o', cache: { debug: { token } } };
  const upstreams = { o: { endpoints: ['http://127.0.0.1:1'] } };
  const env = { DEBUG_TOKEN: 'a-secret' };
  const a = await startNode('node-a', { definitions: saying('one'), env });
  const b = await startNode('node-b', { env });
  // Only this one has no secret of that name.
  const c = await startNode('node-c');
  await eachHears(gateways);
  const wanted = { ...(saying('two', [cached]) as object), upstreams };
  const refused = await apply(a, wanted);
  expect(refused).toMatchObject({ status: 409, body: { code: 'node-refused' } });
  expect(refused.body.detail).toContain('node-c');
  expect(refused.body.detail).toContain('DEBUG_TOKEN');
  expect(await Promise.all([a, b, c].map(hello))).toEqual(['one', 'one', 'one']);
  const partial = await apply(a, wanted, '?require=majority');
  expect(partial).toMatchObject({ status: 200, body: { outcome: 'partial' } });
  expect(await Promise.all([a, b, c].map(hello))).toEqual(['two', 'two', 'one']);
  await until('node-c is not ready', async () => {
    const ready = await c.admin('GET', '/readyz');
    return ready.status === 503 && ready.body.reason.includes('revision');
  });
});

test('a node that falls silent is named, and no node switches; when it is taken for dead the others go on', async () => {
  const [a, b, c] = await startThree();
  c.process.kill('SIGSTOP');
  const refused = await apply(a, saying('two'));
  expect(refused).toMatchObject({ status: 409, body: { code: 'node-refused' } });
  expect(refused.body.detail).toContain('node-c');
  expect(await Promise.all([a, b].map(hello))).toEqual(['one', 'one']);
  await until('the others go on', async () => (await apply(b, saying('two'))).status === 200);
  c.process.kill('SIGCONT');
  await until('it follows', async () => (await hello(c)) === 'two');
});

test('a node that has just started asks and tells the others', async () => {
  const [a] = await startThree();
  const set = [...(members as Members).settings, 'node.id=node-d', 'workers=1', 'warm.budget=0s'];
  const d = await Gateway.start({ set });
  gateways.push(d);
  const answer = await apply(d, saying('two'));
  const ids = answer.body.nodes.map(({ id }: { id: string }) => id).sort();
  expect(ids).toEqual(['node-a', 'node-b', 'node-c', 'node-d']);
  expect(await hello(a)).toBe('two');
});

test('a node whose disk takes nothing serves what all serve, and records it when it can', async () => {
  const [a, b] = await startThree();
  const inTheWay = join(b.dataFolder, 'head.tmp');
  mkdirSync(inTheWay);
  expect((await apply(a, saying('two'))).body.outcome).toBe('applied');
  expect(await hello(b)).toBe('two');
  const own = await apply(b, saying('three'));
  expect(own.status).toBe(409);
  rmdirSync(inTheWay);
  const headOf = async () => (await b.admin('GET', '/v1/revisions')).body.head;
  await until('it is recorded', async () => (await headOf()) === 2);
  expect((await apply(b, saying('three'))).body.outcome).toBe('applied');
});

test('who applies and cannot record it says so; the cluster serves it, and it is recorded later', async () => {
  const [a, b] = await startThree();
  const inTheWay = join(a.dataFolder, 'head.tmp');
  mkdirSync(inTheWay);
  const answer = await apply(a, saying('two'));
  expect(answer).toMatchObject({ status: 500, body: { code: 'record-failed' } });
  expect(answer.body.detail).toContain('the cluster serves revision 2');
  await until('all serve it', async () =>
    (await Promise.all([a, b].map(hello))).every((said) => said === 'two'),
  );
  rmdirSync(inTheWay);
  await until('an apply goes through it again', async () => {
    return (await apply(a, saying('three'))).status === 200;
  });
});

test('who was away follows before it is ready, and history is on every node', async () => {
  const [a, b, c] = await startThree();
  c.process.kill('SIGKILL');
  await c.exited;
  await until('c is missed', async () => {
    const nodes = (await a.admin('GET', '/v1/nodes')).body.nodes[0].fleet.nodes;
    return nodes.filter(({ live }: { live: boolean }) => live).length === 1;
  });
  expect(await apply(a, saying('while away'))).toMatchObject({ body: { outcome: 'applied' } });
  const again = await startNode('node-c', { dataFolder: c.dataFolder });
  expect(again.revision).toBe(2);
  expect(await hello(again)).toBe('while away');
  const fresh = await startNode('node-d', { definitions: saying('of a file') });
  expect(await hello(fresh)).toBe('while away');
  await eachHears([a, b, again, fresh]);
  expect(await apply(fresh, saying('through d'))).toMatchObject({ body: { outcome: 'applied' } });
  expect(await Promise.all([a, b, again].map(hello))).toEqual(Array(3).fill('through d'));
});

test('without the cluster an apply is refused and nodes serve on; an empty one is given what they have', async () => {
  const [a, b, c] = await startThree();
  await apply(a, saying('before'));
  const member = members?.list[0] as Member;
  await member.kill();
  const refused = await apply(b, saying('never'));
  expect(refused.status).toBe(503);
  expect(refused.body.code).toMatch(/^cluster-/);
  expect(await Promise.all([a, b, c].map(hello))).toEqual(Array(3).fill('before'));
  // A node that starts now serves the last revision from its disk.
  c.process.kill('SIGKILL');
  await c.exited;
  const again = await startNode('node-c', { dataFolder: c.dataFolder });
  expect(await hello(again)).toBe('before');
  member.start();
  await eachHears([a, b, again]);
  await until(
    'an apply goes through',
    async () => (await apply(b, saying('after'))).status === 200,
    30_000,
  );
  expect(await Promise.all([a, b, again].map(hello))).toEqual(Array(3).fill('after'));
  expect(await revisionOf(again)).toBeGreaterThan(2);
});

test('a node with another key is not part of it', async () => {
  const [a] = await startThree();
  const set = [...(members as Members).settings, 'node.id=stranger', 'cluster.key.env=KEY'];
  const stranger = await Gateway.start({
    set,
    definitions: saying('strange'),
    env: { KEY: 'other' },
  });
  onTestFinished(() => stranger.kill());
  expect(await hello(stranger)).toBe('strange');
  const answer = await apply(stranger, saying('more'));
  expect(answer).toMatchObject({ status: 503, body: { code: 'cluster-key' } });
  expect(await hello(a)).toBe('one');
});
