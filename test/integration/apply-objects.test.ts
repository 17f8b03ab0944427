// Goal: routes and upstreams are changed one at a time, by the same rules as a whole set.
// Method: calls to the admin interface of one gateway, and what it serves then.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Gateway } from '../kit/gateway.ts';
import { exchange, get } from '../kit/raw-client.ts';

const start = {
  upstreams: { spare: { endpoints: ['http://127.0.0.1:1'] } },
  routes: [
    { id: 'first', match: { path: '/first' }, respond: { body: 'first' } },
    { id: 'second', match: { path: '/second' }, respond: { body: 'second' } },
  ],
};

let gateway: Gateway;

beforeAll(async () => {
  gateway = await Gateway.start({ definitions: start });
});

beforeEach(async () => {
  await gateway.apply(start);
});

afterAll(async () => {
  await gateway.stop();
});

async function fetched(path: string): Promise<[number, string]> {
  const { status, body } = await exchange(gateway.port, get(path));
  return [status, body];
}

async function written() {
  return (await gateway.admin('GET', '/v1/definitions')).body;
}

describe('one route', () => {
  test('is read with the ETag of the set', async () => {
    const { status, body, headers } = await gateway.admin('GET', '/v1/routes/first');
    expect([status, body]).toEqual([200, start.routes[0]]);
    const whole = await gateway.admin('GET', '/v1/definitions');
    expect(headers.get('etag')).toBe(whole.headers.get('etag'));
  });

  test('is replaced in its place', async () => {
    const route = { match: { path: '/first' }, respond: { body: 'new' } };
    const { status, body } = await gateway.admin('PUT', '/v1/routes/first', route);
    expect([status, body.outcome]).toEqual([200, 'applied']);
    expect(await fetched('/first')).toEqual([200, 'new']);
    const ids = (await written()).routes.map(({ id }: { id: string }) => id);
    expect(ids).toEqual(['first', 'second']);
  });

  test('is added at the end', async () => {
    const route = { id: 'third', match: { path: '/third' }, respond: { body: 'third' } };
    expect((await gateway.admin('PUT', '/v1/routes/third', route)).status).toBe(200);
    expect((await written()).routes[2]).toEqual(route);
    expect(await fetched('/third')).toEqual([200, 'third']);
  });

  test('with the longest id that there may be is reached by it', async () => {
    const path = `/v1/routes/${'r'.repeat(128)}`;
    const route = { match: { path: '/long' }, respond: { body: 'long' } };
    expect((await gateway.admin('PUT', path, route)).status).toBe(200);
    expect((await gateway.admin('GET', path)).body.match).toEqual({ path: '/long' });
    expect((await gateway.admin('DELETE', path)).status).toBe(200);
  });

  test('is removed', async () => {
    expect((await gateway.admin('DELETE', '/v1/routes/first')).status).toBe(200);
    expect((await fetched('/first'))[0]).toBe(404);
    expect(await fetched('/second')).toEqual([200, 'second']);
  });

  test('with the id of another is refused', async () => {
    const route = { id: 'second', match: { path: '/x' }, respond: {} };
    const { status, body } = await gateway.admin('PUT', '/v1/routes/first', route);
    expect([status, body.code]).toEqual([400, 'body-invalid']);
    expect(await written()).toEqual(start);
  });

  test('whose upstream is unknown is refused with its place', async () => {
    const route = { match: { path: '/first' }, upstream: 'spara' };
    const { status, body } = await gateway.admin('PUT', '/v1/routes/first', route);
    expect(status).toBe(422);
    expect(body.problems).toMatchObject([
      { code: 'unknown-upstream', path: 'routes[0].upstream', hint: 'did you mean spare?' },
    ]);
  });
});

describe('one upstream', () => {
  test('is added, used, and not removed while it is in use', async () => {
    const upstream = { endpoints: ['http://127.0.0.1:2'] };
    expect((await gateway.admin('PUT', '/v1/upstreams/more', upstream)).status).toBe(200);
    const route = { match: { path: '/first' }, upstream: 'more' };
    expect((await gateway.admin('PUT', '/v1/routes/first', route)).status).toBe(200);
    const removal = await gateway.admin('DELETE', '/v1/upstreams/more');
    expect(removal.status).toBe(422);
    expect(removal.body.problems).toMatchObject([{ code: 'unknown-upstream' }]);
    expect((await written()).upstreams.more).toEqual(upstream);
  });

  test('is removed when nothing uses it', async () => {
    expect((await gateway.admin('DELETE', '/v1/upstreams/spare')).status).toBe(200);
    expect((await written()).upstreams).toEqual({});
  });
});

describe('what is not there', () => {
  test.each([
    ['GET', '/v1/routes/none'],
    ['DELETE', '/v1/routes/none'],
    ['GET', '/v1/upstreams/none'],
    ['DELETE', '/v1/upstreams/none'],
  ])('%s %s is unknown', async (method, path) => {
    const { status, body } = await gateway.admin(method, path);
    expect([status, body.code]).toEqual([404, 'object-unknown']);
  });

  test.each([
    ['GET', '/v1/upstreams/constructor'],
    ['GET', '/v1/upstreams/toString'],
    ['GET', '/v1/upstreams/__proto__'],
    ['DELETE', '/v1/upstreams/constructor'],
    ['DELETE', '/v1/upstreams/__proto__'],
  ])('%s %s is unknown', async (method, path) => {
    const { status, body } = await gateway.admin(method, path);
    expect([status, body.code]).toEqual([404, 'object-unknown']);
  });
});

describe('a body that is no object', () => {
  const bodies = ['null', '[]', '[1]', '5', '"text"', 'true', '{', ''];
  const table = bodies.flatMap((body) => [
    ['/v1/routes/first', body] as const,
    ['/v1/upstreams/spare', body] as const,
  ]);
  const broken = new Set(['/v1/routes/first null']);

  async function refused(path: string, body: string): Promise<void> {
    const { status, body: problem } = await gateway.admin('PUT', path, body);
    expect(['body-invalid', 'definitions-invalid']).toContain(problem.code);
    expect(status).toBe(problem.code === 'body-invalid' ? 400 : 422);
    expect(await written()).toEqual(start);
  }

  test.each(table.filter(([path, body]) => !broken.has(`${path} ${body}`)))(
    'PUT %s with %j is refused',
    refused,
  );

  test('PUT /v1/routes/first with null is refused', () => refused('/v1/routes/first', 'null'));
});

test('one object may be sent as YAML', async () => {
  const yaml = 'match: { path: /first }\nrespond: { body: yaml }\n';
  const headers = { 'content-type': 'application/yaml' };
  const { status } = await gateway.admin('PUT', '/v1/routes/first', yaml, headers);
  expect([status, await fetched('/first')]).toEqual([200, [200, 'yaml']]);
});
