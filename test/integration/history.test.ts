// Goal: what was applied, by whom and why is kept, and is what a restart serves.
// Method: applies, restarts and kills of gateways that share one data folder after each other.
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { testFolder } from '../kit/folder.ts';
import { Gateway, type GatewayOptions, until } from '../kit/gateway.ts';
import { exchange, get } from '../kit/raw-client.ts';

const roundCount = 10;

function saying(body: string) {
  return { routes: [{ id: 'say', match: { path: '/say' }, respond: { body } }] };
}

async function said(gateway: Gateway): Promise<string> {
  return (await exchange(gateway.port, get('/say'))).body;
}

async function start(options: GatewayOptions): Promise<Gateway> {
  const gateway = await Gateway.start(options);
  onTestFinished(() => gateway.kill());
  return gateway;
}

describe('revisions', () => {
  test('tell number, parent, author, note and state, newest first', async () => {
    const gateway = await start({ definitions: saying('one') });
    await gateway.admin('PUT', '/v1/definitions?note=a%20reason', saying('two'), {
      'x-author': 'ada',
    });
    const { head, revisions } = (await gateway.admin('GET', '/v1/revisions')).body;
    expect(head).toBe(2);
    expect(revisions).toMatchObject([
      { revision: 2, parent: 1, author: 'ada', note: 'a reason', state: 'acknowledged' },
      { revision: 1, parent: 0, author: 'start', state: 'acknowledged' },
    ]);
    expect(revisions[0]).not.toHaveProperty('written');
    const one = (await gateway.admin('GET', '/v1/revisions/2')).body;
    expect(one.written).toEqual({ upstreams: {}, ...saying('two') });
    expect(one.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(new Date(one.createdAt).toISOString()).toBe(one.createdAt);
  });

  test('are listed as many as are asked for', async () => {
    const gateway = await start({ definitions: saying('1') });
    for (const body of ['2', '3', '4']) await gateway.apply(saying(body));
    const { body } = await gateway.admin('GET', '/v1/revisions?limit=2');
    expect(body.revisions.map(({ revision }: { revision: number }) => revision)).toEqual([4, 3]);
    for (const limit of ['0', '-1', 'x', '1.5', '']) {
      const { status } = await gateway.admin('GET', `/v1/revisions?limit=${limit}`);
      expect([limit, status]).toEqual([limit, 400]);
    }
  });

  test('that were never made are unknown', async () => {
    const gateway = await start({ definitions: saying('1') });
    for (const number of ['0', '7', 'x', '-1', '1e0', '99999999999999999999']) {
      for (const path of [`/v1/revisions/${number}`, `/v1/revisions/${number}/report`]) {
        const { status, body } = await gateway.admin('GET', path);
        expect([path, status, body.code]).toEqual([path, 404, 'revision-unknown']);
      }
    }
  });

  test('report what they changed and what became of their requests', async () => {
    const gateway = await start({ definitions: saying('1') });
    await gateway.apply({ routes: [...saying('2').routes, route('more')] });
    await said(gateway);
    await exchange(gateway.port, get('/none'));
    const { body } = await gateway.admin('GET', '/v1/revisions/2/report');
    expect(body.diff.routes).toMatchObject({
      added: ['more'],
      changed: [{ name: 'say', fields: [{ path: expect.stringMatching(/^action.body/) }] }],
    });
    expect(body.ledger).toMatchObject({
      accepted: 2,
      completed: 1,
      refused: 1,
      refusedBy: { 'no-route': 1 },
    });
  });
});

describe('a restart', () => {
  test('serves the head, keeps the list, and goes on counting', async () => {
    const dataFolder = join(testFolder(), 'data');
    const first = await start({ dataFolder, definitions: saying('one') });
    await first.apply(saying('two'));
    await first.apply(saying('three'));
    await first.admin('POST', '/v1/revisions/2/rollback?note=back');
    const before = (await first.admin('GET', '/v1/revisions')).body;
    const token = first.token;
    expect(await first.stop()).toBe(0);
    const second = await start({ dataFolder });
    expect([second.revision, await said(second), second.token]).toEqual([4, 'two', token]);
    const after = (await second.admin('GET', '/v1/revisions')).body;
    expect(after).toEqual(before);
    expect((await second.apply(saying('five'))).revision).toBe(5);
  });

  test('without a data folder begins anew', async () => {
    const gateway = await start({ definitions: saying('one'), set: ['data=none'] });
    expect([gateway.revision, await said(gateway)]).toEqual([1, 'one']);
    expect(gateway.log).toMatch(/this admin token is for this run only/);
  });

  test('with nothing to serve serves nothing, as revision 0', async () => {
    const gateway = await start({});
    expect(gateway.revision).toBe(0);
    expect((await exchange(gateway.port, get('/say'))).status).toBe(404);
    expect((await gateway.admin('GET', '/v1/definitions')).body).toEqual({
      upstreams: {},
      routes: [],
    });
    expect((await gateway.apply(saying('first'))).revision).toBe(1);
  });
});

describe('a kill at any moment of a stream of applies', () => {
  test(
    'is followed by what was acknowledged last, or what was sent after it',
    async () => {
      const dataFolder = join(testFolder(), 'data');
      let sent = 0;
      let acknowledged = { number: 0, revision: 0 };
      for (let round = 0; round < roundCount; round++) {
        const gateway = await start({ dataFolder });
        const stream = (async () => {
          for (;;) {
            sent += 1;
            const { revision } = await gateway.apply(saying(`${sent}`));
            acknowledged = { number: sent, revision };
          }
        })().catch(() => undefined);
        const before = acknowledged.number;
        // The first time from the start on, later while applies surely come through.
        if (round > 0) await until('one is through', () => acknowledged.number > before);
        await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 150));
        await gateway.kill();
        await stream;
        const back = await start({ dataFolder });
        // Before the first was acknowledged there may be nothing yet.
        const served = back.revision === 0 ? 0 : Number(await said(back));
        expect(served).toBeGreaterThanOrEqual(acknowledged.number);
        expect(served).toBeLessThanOrEqual(sent);
        expect(back.revision).toBeGreaterThanOrEqual(acknowledged.revision);
        if (back.revision > 0) await expectHead(back, saying(`${served}`));
        await back.kill();
      }
      expect(acknowledged.number).toBeGreaterThan(roundCount);
    },
    roundCount * 30_000,
  );
});

async function expectHead(gateway: Gateway, written: unknown): Promise<void> {
  const { head, revisions } = (await gateway.admin('GET', '/v1/revisions')).body;
  expect([head, revisions[0].revision >= head]).toEqual([gateway.revision, true]);
  const kept = (await gateway.admin('GET', `/v1/revisions/${head}`)).body;
  expect(kept).toMatchObject({ state: 'acknowledged', written });
}

function route(id: string) {
  return { id, match: { path: `/${id}` }, respond: {} };
}
