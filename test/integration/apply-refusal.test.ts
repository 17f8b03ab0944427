// Goal: a bad set is refused with the place of every problem, and nothing that runs is touched.
// Method: bad sets of each kind are sent while one gateway serves; then its shape is looked at.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Gateway } from '../kit/gateway.ts';
import { exchange, get } from '../kit/raw-client.ts';

let gateway: Gateway;
const serving = { routes: [{ id: 'say', match: { path: '/say' }, respond: { body: 'kept' } }] };

beforeAll(async () => {
  gateway = await Gateway.start({ definitions: serving });
});

afterAll(async () => {
  await gateway.stop();
});

function put(body: string) {
  return gateway.admin('PUT', '/v1/definitions', body, { 'content-type': 'application/yaml' });
}

async function untouched(): Promise<void> {
  expect((await exchange(gateway.port, get('/say'))).body).toBe('kept');
  const { body } = await gateway.admin('GET', '/v1/nodes');
  expect(body.nodes[0]).toMatchObject({
    revision: 1,
    generations: [{ generation: 1, revision: 1, state: 'active' }],
  });
  expect((await gateway.admin('GET', '/v1/revisions')).body.revisions).toHaveLength(1);
}

const route = (rest: string): string =>
  `routes:\n  - id: one\n    match: { path: /one }\n    ${rest}\n`;

const kinds: readonly (readonly [string, string, readonly object[]])[] = [
  ['no YAML', 'routes: [', [{ code: 'syntax', line: 1 }]],
  ['two documents', 'routes: []\n---\nroutes: []\n', [{ code: 'syntax', line: 2, column: 1 }]],
  ['a key given twice', 'routes: []\nroutes: []\n', [{ code: 'syntax', line: 2, column: 1 }]],
  ['a list', '- 1\n', [{ code: 'wrong-type', line: 1, column: 1, path: '' }]],
  [
    'an unknown field',
    'route: []\n',
    [{ code: 'unknown-field', line: 1, column: 1, hint: 'did you mean routes?' }],
  ],
  ['a later field', 'consumers: []\n', [{ code: 'not-in-release', line: 1, column: 1 }]],
  [
    'a wrong type',
    route('respond: { status: ok }'),
    [{ code: 'wrong-type', path: 'routes[0].respond.status', line: 4, column: 24 }],
  ],
  ['a missing field', 'routes:\n  - id: one\n', [{ code: 'missing', line: 2, column: 5 }]],
  ['no action', 'routes:\n  - { id: one, match: { path: / } }\n', [{ line: 2, column: 5 }]],
  [
    'an unknown upstream',
    route('upstream: nowhere'),
    [{ code: 'unknown-upstream', path: 'routes[0].upstream', line: 4, column: 15 }],
  ],
  [
    'a bad template',
    route('respond: { body: "${nothing}" }'),
    [{ code: 'bad-template', path: 'routes[0].respond.body', line: 4, column: 22 }],
  ],
  [
    'a bad path',
    'routes:\n  - { id: one, match: { path: one }, respond: {} }\n',
    [{ code: 'bad-path', path: 'routes[0].match.path', line: 2, column: 31 }],
  ],
  [
    'an id given twice',
    `${route('respond: {}')}  - { id: one, match: { path: /two }, respond: {} }\n`,
    [{ code: 'duplicate', path: 'routes[1].id', line: 5, column: 11 }],
  ],
  [
    'a route that is never reached',
    `${route('respond: {}')}  - { id: two, match: { path: /one }, respond: {} }\n`,
    [{ code: 'conflict', line: 5, message: expect.stringMatching(/two .* one /) }],
  ],
  [
    'a bad regular expression',
    'routes:\n  - id: one\n    match: { path: /, headers: { x: { regex: "(" } } }\n    respond: {}\n',
    [{ code: 'bad-regex', line: 3 }],
  ],
  [
    'a bad endpoint',
    'upstreams:\n  a: { endpoints: ["ftp://x"] }\n',
    [{ path: 'upstreams.a.endpoints[0]', line: 2, column: 20 }],
  ],
];

describe('a set with', () => {
  test.each(kinds)('%s is refused with its place', async (_name, text, problems) => {
    const { status, body } = await put(text);
    expect(body.problems).toMatchObject(problems);
    expect([status, body.code, body.status]).toEqual([422, 'definitions-invalid', 422]);
    for (const { file } of body.problems) expect(file).toBe('request body');
    await untouched();
  });

  test('100 bad routes is refused with 100 problems in order', async () => {
    const routes = Array.from({ length: 100 }, (_, i) => `  - { id: r${i}, match: { path: x } }`);
    const { status, body } = await put(`routes:\n${routes.join('\n')}\n`);
    expect(status).toBe(422);
    const lines = new Set(body.problems.map(({ line }: { line: number }) => line));
    expect([...lines]).toEqual(Array.from({ length: 100 }, (_, i) => i + 2));
    await untouched();
  });

  test('more problems than are listed tells how many more', async () => {
    const routes = Array.from({ length: 600 }, (_, i) => ({
      id: `r${i}`,
      match: { path: `/${i}` },
      respond: {},
      wrong: 1,
    }));
    const { body } = await gateway.admin('PUT', '/v1/definitions', { routes });
    expect([body.problems.length, body.truncated]).toEqual([500, 100]);
    expect(body.detail).toBe('600 problems in the definitions; nothing was applied');
    await untouched();
  });

  test('one bad object among good ones is refused for that one alone', async () => {
    const good = Array.from({ length: 50 }, (_, i) => ({
      id: `good-${i}`,
      match: { path: `/good/${i}` },
      respond: {},
    }));
    const bad = { id: 'bad', match: { path: '/bad' }, respond: { status: 99 } };
    const { body } = await gateway.admin('PUT', '/v1/definitions', { routes: [...good, bad] });
    expect(body.problems).toMatchObject([{ path: 'routes[50].respond.status' }]);
    await untouched();
  });

  test('a problem is refused by a diff too', async () => {
    const text = route('upstream: nowhere');
    const { status, body } = await gateway.admin('POST', '/v1/diff', text);
    expect(status).toBe(422);
    expect(body.problems).toMatchObject([{ code: 'unknown-upstream', line: 4, column: 15 }]);
    await untouched();
  });
});

describe('a set without routes', () => {
  test.each(['{}', 'routes: []\n', 'upstreams: { a: { endpoints: ["http://127.0.0.1:9"] } }\n'])(
    '%j is refused where there are some, in a dry run too',
    async (text) => {
      for (const query of ['', '?dryRun=true', '?allowEmpty=false']) {
        const { status, body } = await gateway.admin('PUT', `/v1/definitions${query}`, text);
        expect([status, body.code]).toEqual([422, 'definitions-empty']);
      }
      expect((await exchange(gateway.port, get('/say'))).body).toBe('kept');
    },
  );

  test('is taken where it is allowed', async () => {
    const { status } = await gateway.admin('PUT', '/v1/definitions?allowEmpty=true', '{}');
    const said = (await exchange(gateway.port, get('/say'))).status;
    await gateway.apply(serving);
    expect([status, said]).toEqual([200, 404]);
  });
});

describe('an empty body', () => {
  test.each(['', ' \n', '# nothing\n'])('%j is refused', async (text) => {
    const { status } = await put(text);
    await gateway.apply(serving);
    expect(status).toBeGreaterThanOrEqual(400);
  });
});

test('a key given twice in JSON is refused as it is in YAML', async () => {
  const text = '{"routes": [{"id": "a", "match": {"path": "/a"}, "respond": {}}], "routes": []}';
  const headers = { 'content-type': 'application/json' };
  const { status } = await gateway.admin('PUT', '/v1/definitions', text, headers);
  await gateway.apply(serving);
  expect(status).toBe(422);
});

test('a secret that is not there refuses a trial as it does the apply', async () => {
  const cache = 'cache: { ttl: 1s, debug: { token: { env: NOT_SET } } }';
  const upstreams = 'upstreams:\n  a: { endpoints: ["http://127.0.0.1:1"] }\n';
  const body = `${upstreams}${route(`upstream: a\n    ${cache}`)}`;
  const headers = { 'content-type': 'application/yaml' };
  const listed = async () => (await gateway.admin('GET', '/v1/revisions')).body;
  const before = await listed();
  const trial = await gateway.admin('PUT', '/v1/definitions?dryRun=true', body, headers);
  expect([trial.status, trial.body.code]).toEqual([422, 'secret-missing']);
  expect(await listed()).toEqual(before);
  const applied = await put(body);
  expect([applied.status, applied.body.detail]).toEqual([422, trial.body.detail]);
});
