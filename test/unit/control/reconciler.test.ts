// Goal: an apply reaches every worker or leaves no trace. Method: control as it is, with workers in
// hand that attach, refuse, lag or die.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { generationSlotCount } from '../../../src/base/limits.ts';
import { Reconciler } from '../../../src/control/reconciler.ts';
import { createClaim, withdrawClaim } from '../../../src/memory/claim.ts';
import { noSlot, slotState, unpackActive } from '../../../src/memory/control-block.ts';
import type { StageOrder } from '../../../src/model/orders.ts';
import { until } from '../../kit/gateway.ts';
import { publishOrder, SimulatedNode, type SimulatedWorker } from '../../kit/simulated-node.ts';

let node: SimulatedNode;
let first: SimulatedWorker;
let second: SimulatedWorker;

beforeEach(async () => {
  node = new SimulatedNode(2);
  expect(await Promise.all([node.join(0), node.join(1)])).toEqual([true, true]);
  [first, second] = node.workers as [SimulatedWorker, SimulatedWorker];
});

afterEach(() => node.close());

function set(...ids: string[]) {
  return { routes: ids.map((id) => ({ id, match: { path: `/${id}` }, respond: {} })) };
}

const stable = () => unpackActive(node.block.activeWord()).stable;
const takenSlots = () =>
  Array.from({ length: generationSlotCount }, (_, slot) => slot).filter(
    (slot) => node.block.slotState(slot) !== slotState.free,
  );

test('an apply is attached by every worker, published once and confirmed', async () => {
  expect(await node.apply(set('a'))).toMatchObject({
    kind: 'applied',
    id: 1,
    generation: 1,
    reused: false,
    workers: [{ id: 0 }, { id: 1 }],
    laggards: [],
  });
  expect([stable(), node.block.slotState(0), node.block.revision(0)]).toEqual([
    0,
    slotState.active,
    1,
  ]);
  expect([[...first.attached], [...second.attached]]).toEqual([[[0, 1]], [[0, 1]]]);
});

test('a name is given a number once, and keeps it', async () => {
  await node.apply(set('a', 'b'));
  await node.apply(set('b', 'c'));
  expect(node.eventsOf('names').map(({ given }) => given)).toEqual([
    [
      { number: 1, of: 'route', name: 'a' },
      { number: 2, of: 'route', name: 'b' },
    ],
    [{ number: 3, of: 'route', name: 'c' }],
  ]);
  expect(node.block.lastNumber()).toBe(3);
});

test('a rollback uses the generation that is loaded', async () => {
  await node.apply(set('a'));
  await node.apply(set('b'));
  expect(await node.apply(set('a'))).toMatchObject({
    kind: 'applied',
    generation: 1,
    reused: true,
    timings: { compileMs: 0 },
  });
  expect([stable(), node.block.revision(0)]).toEqual([0, 3]);
  expect(takenSlots()).toEqual([0, 1]);
});

describe('refused without a trace', () => {
  beforeEach(async () => {
    await node.apply(set('a'));
  });

  const nothingIsLeft = async () => {
    await until(
      'the workers let go',
      () => first.attached.size === 1 && second.attached.size === 1,
    );
    expect([stable(), takenSlots()]).toEqual([0, [0]]);
    const [, given, dropped] = node.eventsOf('names');
    expect(given?.given).toEqual([{ number: 2, of: 'route', name: 'b' }]);
    expect(dropped?.dropped).toEqual([2]);
  };

  test('when a worker cannot attach', async () => {
    second.stageError = 'no memory';
    expect(await node.apply(set('a', 'b'))).toEqual({
      kind: 'rejected',
      id: 2,
      code: 'stage-failed',
      message: 'worker 1: no memory',
    });
    await nothingIsLeft();
  });

  test('when a worker does not answer in time', async () => {
    first.answersStage = false;
    expect(await node.apply(set('a', 'b'), 20)).toMatchObject({
      code: 'stage-failed',
      message: 'worker 0 did not attach within 20 ms',
    });
    await nothingIsLeft();
  });

  test('and the next one goes through', async () => {
    second.stageError = 'no memory';
    await node.apply(set('a', 'b'));
    second.stageError = null;
    expect(await node.apply(set('a', 'b'))).toMatchObject({ kind: 'applied', generation: 3 });
    expect(node.eventsOf('names').at(-1)?.given).toEqual([{ number: 3, of: 'route', name: 'b' }]);
  });

  test('when it cannot be compiled', async () => {
    const action = {
      kind: 'proxy',
      targets: [{ upstream: 'nowhere', weight: 1 }],
      rewritePath: null,
    } as const;
    const match = {
      hosts: [],
      methods: [],
      path: { text: '/**', segments: [], rest: true },
      headers: [],
      query: [],
    };
    const definitions = {
      upstreams: [],
      routes: [{ id: 'b', match, action, policies: [], cache: null }],
    };
    const order = {
      kind: 'stage',
      id: 9,
      revision: 9,
      hash: 'x',
      definitions,
      waitMs: 100,
    } as const;
    expect(await node.reconciler.stage(order)).toEqual({
      kind: 'rejected',
      id: 9,
      code: 'node-failed',
      message: 'a target names an upstream',
    });
    expect([stable(), takenSlots()]).toEqual([0, [0]]);
    await node.apply(set('a', 'b'));
    expect(node.eventsOf('names').at(-1)?.given).toEqual([{ number: 3, of: 'route', name: 'b' }]);
  });
});

test('a worker that does not confirm in time is named', async () => {
  second.answersSwitch = false;
  expect(await node.apply(set('a'), 500)).toMatchObject({
    kind: 'applied',
    workers: [{ id: 0 }],
    laggards: [1],
  });
  expect(stable()).toBe(0);
});

test('a worker that dies while it attaches stops nobody', async () => {
  second.answersStage = false;
  const answer = node.apply(set('a'));
  await until('it was asked', () => second.attached.size > 0);
  node.reconciler.lose(1);
  expect(await answer).toMatchObject({ kind: 'applied', workers: [{ id: 0 }], laggards: [] });
  expect(node.eventsOf('worker').at(-1)).toEqual({ kind: 'worker', worker: 1, state: 'lost' });
});

test('a worker that joins attaches all that is active or may become so', async () => {
  for (const id of ['a', 'b', 'c']) await node.apply(set(id));
  node.reconciler.lose(1);
  expect(await node.join(1)).toBe(true);
  expect([...(node.workers[1]?.attached ?? [])].sort()).toEqual([
    [0, 1],
    [1, 2],
    [2, 3],
  ]);
  expect(node.eventsOf('worker').at(-1)).toEqual({ kind: 'worker', worker: 1, state: 'attached' });
});

test('a worker that joins attaches what is staged, too', async () => {
  const order = node.order(set('a'));
  await node.reconciler.stage(order);
  node.reconciler.lose(1);
  expect(await node.join(1)).toBe(true);
  expect(node.workers[1]?.asked).toEqual([1]);
  expect(await node.reconciler.publish(publishOrder(order))).toMatchObject({
    kind: 'applied',
    workers: [{ id: 0 }, { id: 1 }],
  });
});

describe('a worker that joins while an apply waits for its turn', () => {
  let applies: Promise<unknown>;

  beforeEach(async () => {
    node.reconciler.lose(1);
    first.answersStage = false;
    applies = Promise.all([node.apply(set('a'), 100), node.apply(set('b'))]);
    await until('the first is under way', () => first.asked.length > 0);
    first.answersStage = true;
  });

  test('attaches each generation once', async () => {
    const joined = node.join(1);
    await applies;
    expect(await joined).toBe(true);
    expect(node.workers[1]?.asked).toEqual([2]);
  });

  test('and dies before its own holds up nobody', async () => {
    const joined = node.join(1);
    node.reconciler.lose(1);
    await applies;
    expect([await joined, node.workers[1]?.asked]).toEqual([false, []]);
  });
});

test('of revisions staged one after another the last alone is kept and may go live', async () => {
  const orders = ['a', 'b', 'c'].map((id) => node.order(set(id)));
  const staged = await Promise.all(orders.map((order) => node.reconciler.stage(order)));
  expect(staged).toMatchObject([{ generation: 1 }, { generation: 2 }, { generation: 3 }]);
  expect([stable(), takenSlots()]).toEqual([noSlot, [0]]);
  const [early, , last] = orders as [StageOrder, StageOrder, StageOrder];
  expect(await node.reconciler.publish(publishOrder(early))).toMatchObject({
    kind: 'rejected',
    code: 'control-lost',
  });
  expect(await node.reconciler.publish(publishOrder(last))).toMatchObject({ generation: 3 });
  expect([stable(), takenSlots()]).toEqual([0, [0]]);
});

describe('what was staged and is abandoned leaves no trace', () => {
  beforeEach(async () => {
    await node.apply(set('a'));
  });

  const nothingIsLeft = async () => {
    await until('nobody keeps it', () => first.attached.size + second.attached.size === 2);
    expect([stable(), takenSlots()]).toEqual([0, [0]]);
  };

  test('by its manager', async () => {
    const order = node.order(set('b'));
    await Promise.all([node.reconciler.stage(order), node.reconciler.abandon(order.revision)]);
    await nothingIsLeft();
  });

  test('by a manager that is new', async () => {
    await node.reconciler.stage(node.order(set('b')));
    node.reconciler.introduce();
    await nothingIsLeft();
  });

  test('though a rollback that is abandoned leaves its generation loaded', async () => {
    await node.apply(set('b'));
    const back = node.order(set('a'));
    await node.reconciler.stage(back);
    await node.reconciler.abandon(back.revision);
    expect([stable(), takenSlots()]).toEqual([1, [0, 1]]);
    expect(await node.apply(set('a'))).toMatchObject({ reused: true, generation: 1 });
  });
});

test('a rollback to a loaded generation tells what it had counted', async () => {
  await node.apply(set('a'));
  for (let i = 0; i < 3; i++) first.ledger.accepted(0);
  for (let i = 0; i < 2; i++) first.ledger.completed(0);
  await node.apply(set('b'));
  await node.apply(set('a'));
  expect(node.eventsOf('reused')).toMatchObject([
    { generation: 1, revision: 1, ledger: { accepted: 3, completed: 2 } },
  ]);
});

describe('retirement', () => {
  test('waits for the last exchange and tells its ledger', async () => {
    await node.apply(set('a'));
    expect(first.words.pin()).toBe(0);
    first.ledger.accepted(0);
    for (const id of ['b', 'c', 'd', 'e']) await node.apply(set(id));
    expect(node.block.slotState(0)).toBe(slotState.draining);
    expect([...first.attached.keys()]).toContain(0);
    first.ledger.completed(0);
    first.words.unpin(0);
    await until('it is retired', () => node.eventsOf('retired').length > 0);
    expect(node.eventsOf('retired')).toMatchObject([
      { generation: 1, revision: 1, balanced: true, ledger: { accepted: 1, completed: 1 } },
    ]);
    expect(node.eventsOf('names').at(-1)).toEqual({ kind: 'names', given: [], dropped: [1] });
    await until('the worker let go', () => !first.attached.has(0));
    expect(node.block.slotState(0)).toBe(slotState.free);
  });

  test('a ledger that does not add up is told as such', async () => {
    await node.apply(set('a'));
    first.ledger.accepted(0);
    for (const id of ['b', 'c', 'd', 'e']) await node.apply(set(id));
    expect(node.eventsOf('retired')).toMatchObject([{ generation: 1, balanced: false }]);
  });
});

test('when exchanges run on every generation, an apply is refused and says so', async () => {
  for (let count = 0; count < generationSlotCount; count++) {
    expect(await node.apply(set(`r${count}`))).toMatchObject({ kind: 'applied' });
    first.words.pin();
  }
  expect(await node.apply(set('more'), 20)).toMatchObject({
    kind: 'rejected',
    code: 'slots-exhausted',
  });
  first.words.unpin(0);
  expect(await node.apply(set('more'))).toMatchObject({ kind: 'applied' });
});

test('an order that was withdrawn before its turn leaves no trace', async () => {
  await node.apply(set('a'));
  const order = node.order(set('b'));
  await node.reconciler.stage(order);
  const claim = createClaim();
  expect(withdrawClaim(claim)).toBe(true);
  expect(await node.reconciler.publish(publishOrder(order, claim))).toMatchObject({
    kind: 'rejected',
    code: 'control-silent',
  });
  expect([stable(), takenSlots()]).toEqual([0, [0]]);
  await until('nobody keeps it', () => second.attached.size === 1);
});

test('an order that is done cannot be withdrawn', async () => {
  const claim = createClaim();
  const order = node.order(set('a'));
  await node.reconciler.stage(order);
  expect(await node.reconciler.publish(publishOrder(order, claim))).toMatchObject({
    kind: 'applied',
  });
  expect(withdrawClaim(claim)).toBe(false);
});

test('nothing is published before the first apply', () => {
  expect(stable()).toBe(noSlot);
});

test('a control that takes over drops the numbers of what it frees', async () => {
  await node.apply(set('a', 'b'));
  const dropped: number[] = [];
  const next = new Reconciler(node.memory, {}, (event) => {
    if (event.kind === 'names') dropped.push(...event.dropped);
  });
  const definitions = { upstreams: [], routes: [] };
  const order = { id: 1, revision: 2, waitMs: 100 };
  await next.stage({ kind: 'stage', hash: 'x', definitions, ...order });
  await next.publish(publishOrder(order));
  await until('the old slot is free', () => node.block.slotState(0) === slotState.free);
  expect(dropped.sort()).toEqual([1, 2]);
});

test('under a control that takes over, a worker serves when it has what is published', async () => {
  await node.apply(set('a'));
  node.replaceControl();
  let serves = false;
  const joined = node.join(1).then((answer) => {
    serves = answer;
  });
  const worker = node.workers[1] as SimulatedWorker;
  worker.stageError = 'no';
  expect(await node.apply(set('b'))).toMatchObject({ kind: 'rejected' });
  expect(serves).toBe(false);
  worker.stageError = null;
  await node.apply(set('b'));
  await joined;
  expect([serves, worker.attached.get(stable())]).toEqual([true, node.block.generation(stable())]);
  expect(node.reconciler.newestLink()?.worker).toBe(1);
});
