// Goal: the answer of an apply says what happened, and only a real apply changes anything.
// Method: calls to the admin interface of one gateway with two workers, and what it serves then.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Gateway } from '../kit/gateway.ts';
import { exchange, get } from '../kit/raw-client.ts';

let gateway: Gateway;

beforeAll(async () => {
  const set = ['workers=2', 'node.id=node-x'];
  gateway = await Gateway.start({ definitions: saying('start'), set });
});

afterAll(async () => {
  await gateway.stop();
});

function saying(body: string) {
  return { routes: [{ id: 'say', match: { path: '/say' }, respond: { body } }] };
}

async function said(): Promise<string> {
  return (await exchange(gateway.port, get('/say'))).body;
}

async function head(): Promise<number> {
  return (await gateway.admin('GET', '/v1/revisions')).body.head;
}

function put(definitions: unknown, query = '', headers = {}) {
  return gateway.admin('PUT', `/v1/definitions${query}`, definitions, headers);
}

describe('an apply', () => {
  test('is answered with revision, hash, timings, nodes and workers', async () => {
    const before = await head();
    const { status, body, headers } = await put(saying('one'));
    expect(status).toBe(200);
    expect(body).toMatchObject({ revision: before + 1, outcome: 'applied', laggards: [] });
    expect(headers.get('etag')).toBe(`"${body.hash}"`);
    expect(Object.keys(body.timings)).toEqual([
      'validateMs',
      'compileMs',
      'stagedMs',
      'switchedMs',
    ]);
    const { compileMs, stagedMs, switchedMs } = body.timings;
    const order = [0, compileMs, stagedMs, switchedMs];
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(body.nodes).toEqual([
      {
        id: 'node-x',
        workers: [
          { id: 0, switchedMs: expect.any(Number) },
          { id: 1, switchedMs: expect.any(Number) },
        ],
      },
    ]);
    for (const worker of body.nodes[0].workers) {
      expect(worker.switchedMs).toBeLessThanOrEqual(switchedMs);
    }
  });

  test('tells what it touched', async () => {
    await put(saying('touch-1'));
    const { body } = await put(saying('touch-2'));
    expect(body.diff.routes.changed.map(({ name }: { name: string }) => name)).toEqual(['say']);
    expect(body.diff.upstreams).toMatchObject({ added: [], removed: [], changed: [] });
  });

  test('of what is active already is unchanged and makes no revision', async () => {
    const first = (await put(saying('same'))).body;
    const { status, body } = await put(saying('same'));
    expect(status).toBe(200);
    expect(body).toMatchObject({
      outcome: 'unchanged',
      revision: first.revision,
      hash: first.hash,
      nodes: [{ id: 'node-x', workers: [] }],
    });
    expect(await head()).toBe(first.revision);
  });

  test('in YAML has the same hash as in JSON', async () => {
    const first = (await put(saying('yaml'))).body;
    const yaml =
      'routes:\n  - id: say # comment\n    match: { path: /say }\n    respond:\n      body: yaml\n';
    const { body } = await put(yaml, '', { 'content-type': 'application/yaml' });
    expect(body).toMatchObject({ outcome: 'unchanged', hash: first.hash });
  });
});

describe('If-Match', () => {
  const table = [
    ['the ETag', (hash: string) => `"${hash}"`, 200],
    ['an asterisk', () => '*', 200],
    ['another ETag', () => '"other"', 412],
    ['an empty ETag', () => '""', 412],
    ['an asterisk in quotes, which is a tag', () => '"*"', 412],
    ['a weak ETag, which proves nothing', (hash: string) => `W/"${hash}"`, 412],
  ] as const;

  test.each(table)('with %s', async (name, given, status) => {
    const { hash } = (await put(saying(`before ${name}`))).body;
    const answer = await put(saying(`after ${name}`), '', { 'if-match': given(hash) });
    expect(answer.status).toBe(status);
    expect(await said()).toBe(status === 200 ? `after ${name}` : `before ${name}`);
    if (status === 412) {
      expect(answer.body).toMatchObject({ code: 'precondition-failed', current: hash });
    }
  });

  test('with a list that holds the ETag', async () => {
    const { hash } = (await put(saying('before list'))).body;
    const answer = await put(saying('after list'), '', { 'if-match': `"other", "${hash}"` });
    expect(answer.status).toBe(200);
  });

  test('guards the change of one object too', async () => {
    await put(saying('guarded'));
    const route = { match: { path: '/say' }, respond: { body: 'unguarded' } };
    const headers = { 'if-match': '"other"' };
    expect((await gateway.admin('PUT', '/v1/routes/say', route, headers)).status).toBe(412);
    expect(await said()).toBe('guarded');
  });

  test('guards a rollback too', async () => {
    const { revision, hash: stale } = (await put(saying('target'))).body;
    const { hash } = (await put(saying('later'))).body;
    const back = (tag: string) =>
      gateway.admin('POST', `/v1/revisions/${revision}/rollback`, undefined, {
        'if-match': `"${tag}"`,
      });
    const refused = await back(stale);
    expect([refused.status, refused.body.code]).toEqual([412, 'precondition-failed']);
    expect(await said()).toBe('later');
    expect((await back(hash)).status).toBe(200);
    expect(await said()).toBe('target');
  });
});

test.each([
  ['PUT', '/v1/definitions', saying('new')],
  ['PUT', '/v1/routes/say', { match: { path: '/say' }, respond: { body: 'new' } }],
  ['DELETE', '/v1/routes/say', undefined],
  ['POST', '/v1/revisions/1/rollback', undefined],
])('If-None-Match with %s %s is refused, since nothing would weigh it', async (...call) => {
  await put(saying('kept'));
  const [method, path, sent] = call;
  const { status, body } = await gateway.admin(method, path, sent, { 'if-none-match': '*' });
  expect([status, body.code]).toEqual([400, 'query-invalid']);
  expect(body.detail).toContain('If-Match');
  expect(await said()).toBe('kept');
});

describe('a dry run', () => {
  test('tells the difference and changes nothing', async () => {
    const { revision } = (await put(saying('wet'))).body;
    const { status, body } = await put(saying('dry'), '?dryRun=true');
    expect(status).toBe(200);
    expect(body.outcome).toBe('dry-run');
    expect(body.diff.routes.changed).toHaveLength(1);
    expect([await said(), await head()]).toEqual(['wet', revision]);
  });

  test('of a bad set is refused', async () => {
    expect((await put({ routes: 5 }, '?dryRun=true')).status).toBe(422);
  });

  test.each(['1', 'yes', 'TRUE', ''])('written dryRun=%s applies nothing', async (value) => {
    await put(saying('wet'));
    await put(saying(`dry ${value}`), `?dryRun=${value}`);
    expect(await said()).toBe('wet');
  });
});

describe('two applies at once', () => {
  test('one is done, the other is told so', async () => {
    const answers = await Promise.all([put(saying('left')), put(saying('right'))]);
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 409]);
    const refused = answers.find(({ status }) => status === 409)?.body;
    const taken = answers.find(({ status }) => status === 200)?.body;
    expect(refused).toMatchObject({ code: 'apply-in-progress', revision: taken.revision });
    expect(await said()).toBe(answers[0]?.status === 200 ? 'left' : 'right');
  });
});

describe('parameters', () => {
  test.each([
    ['?wait=soon', 'query-invalid'],
    ['?wait=0s', 'query-invalid'],
    ['?wait=-1s', 'query-invalid'],
    ['?share=5%25', 'query-invalid'],
    ['?nope=1', 'query-invalid'],
    ['?wait=1s&wait=2s', 'query-invalid'],
  ])('%s is refused and nothing applied', async (query, code) => {
    await put(saying('kept'));
    const { status, body } = await put(saying('lost'), query);
    expect([status, body.code, await said()]).toEqual([400, code, 'kept']);
  });

  test.each(['?note=a&note=b', '?dryRun=true&dryRun=true'])(
    '%s is refused and nothing applied',
    async (query) => {
      await put(saying('kept'));
      const { status } = await put(saying('lost'), query);
      expect([status, await said()]).toEqual([400, 'kept']);
    },
  );

  test.each(['1000h', '400h'])('a wait of %s is refused or waited for', async (wait) => {
    await put(saying('kept'));
    const { status } = await put(saying(`wait ${wait}`), `?wait=${wait}`);
    expect([status, await said()]).toEqual(status === 200 ? [200, `wait ${wait}`] : [400, 'kept']);
  });
});
