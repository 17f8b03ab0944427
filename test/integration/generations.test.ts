// Goal: what stays loaded is bounded, goes back without a compile, and is let go when it is idle.
// Method: applies and rollbacks on one gateway with two workers, watched through GET /v1/nodes.
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Gateway, until } from '../kit/gateway.ts';
import { exchange, get, RawClient } from '../kit/raw-client.ts';
import { type ShapeOrigin, shapeOf, startShapeOrigin } from '../kit/shape-origin.ts';

const slotCount = 16;
const retainedCount = 3;

let origin: ShapeOrigin;
let gateway: Gateway;

beforeAll(async () => {
  origin = await startShapeOrigin();
  gateway = await Gateway.start({ definitions: shapeOf('first', origin), set: ['workers=2'] });
});

afterAll(async () => {
  await gateway.stop();
  await origin.close();
});

interface LoadedGeneration {
  readonly revision: number;
  readonly generation: number;
  readonly state: string;
}

async function loaded(): Promise<LoadedGeneration[]> {
  return (await gateway.admin('GET', '/v1/nodes')).body.nodes[0].generations;
}

async function mark(): Promise<string> {
  return (await exchange(gateway.port, get('/mark'))).body;
}

/** The threads of ours, by the names that they give themselves. */
function threads(): { id: string; name: string }[] {
  const tasks = `/proc/${gateway.process.pid}/task`;
  return readdirSync(tasks)
    .map((id) => ({ id, name: readFileSync(`${tasks}/${id}/comm`, 'utf8').trim() }))
    .filter(({ name }) => /main|manager|control|worker-\d/.test(name))
    .map(({ id, name }) => ({ id, name: name.replace('cutover-', '') }));
}

function rollback(revision: number, query = '') {
  return gateway.admin('POST', `/v1/revisions/${revision}/rollback${query}`);
}

async function applyMarks(...marks: string[]): Promise<number[]> {
  const revisions: number[] = [];
  for (const one of marks) revisions.push((await gateway.apply(shapeOf(one, origin))).revision);
  return revisions;
}

describe('loaded generations', () => {
  test('are the active one and the three before it', async () => {
    const revisions = await applyMarks('a', 'b', 'c', 'd', 'e', 'f');
    await until('older ones are free', async () => (await loaded()).length === retainedCount + 1);
    const states = (await loaded()).map(({ revision, state }) => [revision, state]);
    expect(states).toEqual([
      [revisions[2], 'retained'],
      [revisions[3], 'retained'],
      [revisions[4], 'retained'],
      [revisions[5], 'active'],
    ]);
  });

  test('have numbers that only grow, also when a slot is used again', async () => {
    const before = Math.max(...(await loaded()).map(({ generation }) => generation));
    await applyMarks('g', 'h');
    const after = (await loaded()).map(({ generation }) => generation).sort((a, b) => a - b);
    expect(after.slice(-2)).toEqual([before + 1, before + 2]);
  });

  test('come and go in the same threads', async () => {
    const before = threads();
    expect(before.map(({ name }) => name).sort()).toEqual([
      'control',
      'main',
      'manager',
      'worker-0',
      'worker-1',
    ]);
    await applyMarks('t1', 't2', 't3', 't4', 't5');
    expect(threads()).toEqual(before);
  });

  test('are confirmed by both workers', async () => {
    const [revision] = await applyMarks('confirmed');
    const { workers, generations } = (await gateway.admin('GET', '/v1/nodes')).body.nodes[0];
    const active = generations.find((one: LoadedGeneration) => one.state === 'active');
    for (const worker of workers) {
      expect(worker).toMatchObject({ revision, generation: active.generation, state: 'ready' });
    }
  });
});

describe('a rollback', () => {
  test('to a loaded revision is a new revision without a compile', async () => {
    const [first, second] = (await applyMarks('back', 'forth')) as [number, number];
    const { status, body } = await rollback(first, '?note=oops');
    expect([status, body.outcome, body.revision]).toEqual([200, 'applied', second + 1]);
    expect(body.timings.compileMs).toBe(0);
    expect(await mark()).toBe('back');
    const kept = (await gateway.admin('GET', `/v1/revisions/${second + 1}`)).body;
    expect(kept).toMatchObject({ parent: second, note: 'oops', state: 'acknowledged' });
  });

  test('never shows an earlier revision to a connection than it saw', async () => {
    const set = (body: string) => ({
      routes: [{ id: 'r', match: { path: '/mark' }, respond: { body: `\${revision} ${body}` } }],
    });
    await gateway.apply(set('one'));
    const { revision } = await gateway.apply(set('two'));
    const client = await RawClient.connect(gateway.port);
    const seen: number[] = [];
    let done = false;
    const asking = (async () => {
      while (!done) {
        client.send(get('/mark'));
        const shown = Number.parseInt((await client.response()).body, 10);
        if (seen.at(-1) !== shown) seen.push(shown);
      }
    })();
    for (let head = revision; head < revision + 20; head++) await rollback(head - 1);
    done = true;
    await asking;
    client.socket.destroy();
    expect(seen.at(-1)).toBeGreaterThan(revision);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });

  test('leaves what an earlier revision counted with it, and the new one counts its own', async () => {
    const report = async (revision: number) =>
      (await gateway.admin('GET', `/v1/revisions/${revision}/report`)).body;
    const accepted = async (revision: number): Promise<number> =>
      (await report(revision)).ledger.accepted;
    const [first] = (await applyMarks('counted')) as [number];
    for (let i = 0; i < 3; i++) await mark();
    await applyMarks('between');
    const again = (await rollback(first)).body.revision;
    for (let i = 0; i < 2; i++) await mark();
    expect([await accepted(first), await accepted(again)]).toEqual([3, 2]);
    expect((await report(again)).generation.ledger.accepted).toBe(5);
    await applyMarks('g1', 'g2', 'g3', 'g4');
    await until('it is retired', async () => (await report(again)).generation === null);
    await until('its ledger is kept', async () => (await report(again)).ledger !== null);
    expect([await accepted(first), await accepted(again)]).toEqual([3, 2]);
  });

  test('without a note says where it went', async () => {
    const [first] = (await applyMarks('noted', 'other')) as [number];
    const { body } = await rollback(first);
    const kept = (await gateway.admin('GET', `/v1/revisions/${body.revision}`)).body;
    expect(kept.note).toBe(`rollback to ${first}`);
  });

  test('to a revision that is not loaded any more compiles it again', async () => {
    const [first] = (await applyMarks('long ago', 'l1', 'l2', 'l3', 'l4', 'l5')) as [number];
    await until('it is retired', async () => (await loaded()).length === retainedCount + 1);
    const { body } = await rollback(first);
    expect(body.outcome).toBe('applied');
    expect(body.timings.compileMs).toBeGreaterThan(0);
    expect(await mark()).toBe('long ago');
  });

  test('to what is active is unchanged', async () => {
    const [revision] = (await applyMarks('here')) as [number];
    expect((await rollback(revision)).body).toMatchObject({ outcome: 'unchanged', revision });
  });

  test.each(['0', '999999', 'x', '-1', '1.5', '01x'])('to %s is unknown', async (number) => {
    const { status, body } = await gateway.admin('POST', `/v1/revisions/${number}/rollback`);
    expect([status, body.code]).toEqual([404, 'revision-unknown']);
  });

  test('there and back many times keeps the bound', async () => {
    const [a, b] = (await applyMarks('ping', 'pong')) as [number, number];
    for (let i = 0; i < 10; i++) {
      await rollback(i % 2 === 0 ? a : b);
      expect(await mark()).toBe(i % 2 === 0 ? 'ping' : 'pong');
    }
    expect((await loaded()).length).toBeLessThanOrEqual(retainedCount + 1);
  });
});

describe('when exchanges hold every slot', () => {
  const clients: RawClient[] = [];

  test('an apply is refused, names the reason, and leaves the shape', async () => {
    for (let i = 0; i < slotCount; i++) {
      await applyMarks(`slot-${i}`);
      const client = await RawClient.connect(gateway.port);
      clients.push(client);
      client.send(get('/hold'));
      await until('it is held', () => origin.held.length === i + 1);
    }
    expect(await loaded()).toHaveLength(slotCount);
    const set = shapeOf('one too many', origin);
    const { status, body } = await gateway.admin('PUT', '/v1/definitions?wait=100ms', set);
    expect([status, body.code]).toEqual([503, 'slots-exhausted']);
    expect(await mark()).toBe(`slot-${slotCount - 1}`);
    const [newest] = (await gateway.admin('GET', '/v1/revisions?limit=1')).body.revisions;
    expect(newest).toMatchObject({ state: 'rejected', reason: body.detail });
  });

  test('a rejected revision is nothing to go back to', async () => {
    const [newest] = (await gateway.admin('GET', '/v1/revisions?limit=1')).body.revisions;
    expect((await rollback(newest.revision)).status).toBe(404);
  });

  test('each held exchange ends on its own shape, and applies go on', async () => {
    for (const answer of origin.held.splice(0)) answer();
    const marks = await Promise.all(
      clients.map(async (client) => (await client.response()).headers['x-shape-out']?.[0]),
    );
    expect(marks).toEqual(clients.map((_, i) => `slot-${i}`));
    for (const client of clients) client.close();
    await applyMarks('after');
    expect(await mark()).toBe('after');
    await until('the rest is free', async () => (await loaded()).length === retainedCount + 1);
  });
});
