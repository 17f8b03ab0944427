// Goal: the admin interface admits by token, refuses clearly, and survives any body.
// Method: calls to one gateway; afterwards it still serves what it served before.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Gateway } from '../kit/gateway.ts';
import { exchange, get, RawClient } from '../kit/raw-client.ts';

const serving = { routes: [{ id: 'say', match: { path: '/say' }, respond: { body: 'kept' } }] };
let gateway: Gateway;

beforeAll(async () => {
  gateway = await Gateway.start({ definitions: serving });
});

afterAll(async () => {
  expect((await exchange(gateway.port, get('/say'))).body).toBe('kept');
  expect((await gateway.admin('GET', '/v1/revisions')).body.head).toBe(1);
  await gateway.stop();
});

const calls = [
  ['GET', '/v1/definitions'],
  ['PUT', '/v1/definitions'],
  ['POST', '/v1/diff'],
  ['GET', '/v1/schema'],
  ['GET', '/v1/routes/say'],
  ['PUT', '/v1/routes/say'],
  ['DELETE', '/v1/routes/say'],
  ['PUT', '/v1/upstreams/x'],
  ['DELETE', '/v1/upstreams/x'],
  ['GET', '/v1/revisions'],
  ['GET', '/v1/revisions/1'],
  ['GET', '/v1/revisions/1/report'],
  ['POST', '/v1/revisions/1/rollback'],
  ['GET', '/v1/nodes'],
  ['GET', '/v1/events'],
  ['GET', '/v1/none'],
  ['GET', '/'],
  ['GET', '/metrics/..%2fv1/nodes'],
  ['GET', '//metrics'],
  ['GET', '/livez/'],
] as const;

describe('without the token', () => {
  test.each(calls)('%s %s is 401', async (method, path) => {
    for (const authorization of ['', 'Bearer ', 'Bearer wrong', `Basic ${gateway.token}`]) {
      const { status, body, headers } = await gateway.admin(
        method,
        path,
        method === 'GET' ? undefined : '{}',
        { authorization },
      );
      expect([status, body.code]).toEqual([401, 'token-missing']);
      expect(headers.get('www-authenticate')).toBe('Bearer');
      expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    }
  });

  test.each(['/livez', '/readyz', '/metrics', '/metrics?x=1'])('%s is open', async (path) => {
    expect((await fetch(gateway.adminUrl + path)).status).toBe(200);
  });

  test('the scheme may be written in any case', async () => {
    const headers = { authorization: `bEARER ${gateway.token}` };
    expect((await gateway.admin('GET', '/v1/nodes', undefined, headers)).status).toBe(200);
  });
});

test.each([
  ['a head over the limit', 431, 'head-too-large', get(`/v1/nodes?note=${'n'.repeat(30_000)}`)],
  ['what is no request', 400, 'request-invalid', 'hello\r\n\r\n'],
])('%s gets a problem document, and the connection ends', async (_name, status, code, text) => {
  const client = await RawClient.connect(Number(new URL(gateway.adminUrl).port));
  client.send(text);
  const answer = await client.response();
  expect([answer.status, answer.headers['content-type']]).toEqual([
    status,
    ['application/problem+json'],
  ]);
  expect(JSON.parse(answer.body)).toMatchObject({
    type: `urn:cutover:problem:${code}`,
    status,
    code,
  });
  await client.ended();
});

describe('with the token', () => {
  test.each([
    ['GET', '/v1/none'],
    ['POST', '/v1/definitions'],
    ['DELETE', '/v1/definitions'],
    ['GET', '/v1/diff'],
    ['PATCH', '/v1/routes/say'],
    ['GET', '/v1/definitions/'],
    ['GET', '/V1/definitions'],
  ])('%s %s is an unknown call', async (method, path) => {
    const { status, body } = await gateway.admin(method, path);
    expect([status, body.code]).toEqual([404, 'call-unknown']);
  });

  test.each([
    ['GET', '/v1/definitions'],
    ['POST', '/v1/diff'],
    ['PUT', '/v1/definitions'],
    ['PUT', '/v1/routes/say'],
    ['DELETE', '/v1/routes/say'],
    ['GET', '/v1/routes/say'],
    ['GET', '/v1/revisions'],
    ['POST', '/v1/revisions/1/rollback'],
  ])('%s %s refuses a parameter that it does not know', async (method, path) => {
    const body = method === 'GET' ? undefined : JSON.stringify(serving);
    const { status, body: problem } = await gateway.admin(method, `${path}?nope=1`, body);
    expect([status, problem.code]).toEqual([400, 'query-invalid']);
    expect(problem.detail).toContain('nope');
  });

  test.each([['/v1/nodes'], ['/v1/schema'], ['/v1/revisions/1'], ['/v1/revisions/1/report']])(
    'GET %s refuses a parameter that it does not know',
    async (path) => {
      expect((await gateway.admin('GET', `${path}?nope=1`)).status).toBe(400);
    },
  );

  test('a target that cannot be decoded is refused with a problem document', async () => {
    const { status, body, headers } = await gateway.admin('GET', '/v1/routes/%zz');
    expect([status, body.code]).toEqual([404, 'call-unknown']);
    expect(body.type).toBe('urn:cutover:problem:call-unknown');
    expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  });

  test('the schema for editors is a JSON Schema of definitions', async () => {
    const { status, body } = await gateway.admin('GET', '/v1/schema');
    expect(status).toBe(200);
    expect(Object.keys(body.properties)).toEqual(['$schema', 'upstreams', 'routes']);
    expect(body.additionalProperties).toBe(false);
  });
});

describe('a body', () => {
  const deep = (open: string, close: string, count: number): string =>
    open.repeat(count) + close.repeat(count);
  const json = { 'content-type': 'application/json' };

  test.each([
    ['bad JSON', '{"routes": [', json],
    ['bad YAML', 'routes: [', {}],
    ['a lone null byte', '\u0000', {}],
    ['lists 100,000 deep as JSON', deep('[', ']', 100_000), json],
    ['lists 100,000 deep as YAML', deep('[', ']', 100_000), {}],
    ['maps 100,000 deep as JSON', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`, json],
    ['a route 40 deep', `{"routes": [${deep('[', ']', 40)}]}`, json],
    ['YAML aliases that multiply', laughs(), {}],
    ['an anchor that holds itself', 'routes: &a [*a]', {}],
    ['a tag of another language', 'routes: !!js/function "x"', {}],
    ['a number', '5', json],
    ['a null', 'null', json],
  ])('of %s is refused', async (_name, body, headers) => {
    for (const [method, path] of [
      ['PUT', '/v1/definitions'],
      ['POST', '/v1/diff'],
    ] as const) {
      const { status, body: problem } = await gateway.admin(method, path, body, headers);
      expect([status, problem.code]).toEqual([422, 'definitions-invalid']);
      expect(problem.problems.length).toBeGreaterThan(0);
    }
  });

  test('over the limit is refused with 413', async () => {
    const body = `# ${'x'.repeat(16 * 1024 * 1024)}\nroutes: []\n`;
    const { status, body: problem } = await gateway.admin('PUT', '/v1/definitions', body);
    expect([status, problem.code]).toEqual([413, 'body-too-large']);
  });
});

function laughs(): string {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 9; i++)
    lines.push(
      `a${i}: &a${i} [${Array(9)
        .fill(`*a${i - 1}`)
        .join()}]`,
    );
  return lines.join('\n');
}
