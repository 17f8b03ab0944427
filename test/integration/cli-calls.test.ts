// Goal: a command that is called wrongly exits with 2, one that fails with 1, and both say why.
// Method: commands run as processes of their own; those that need a node get none that answers.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { cutover, cutoverUnread } from '../kit/cli.ts';
import { closedPort } from '../kit/origin.ts';

let folder: string;
let good: string;
let bad: string;
let token: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cutover-test-'));
  good = join(folder, 'good.yaml');
  bad = join(folder, 'bad.yaml');
  token = join(folder, 'token');
  writeFileSync(good, 'routes:\n  - { id: a, match: { path: /a }, respond: {} }\n');
  writeFileSync(bad, 'routes:\n  - { id: a, match: { path: a }, respons: {} }\n');
  writeFileSync(token, 'secret\n');
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('validate', () => {
  test('of good definitions counts them', async () => {
    expect(await cutover(['validate', good])).toEqual({
      code: 0,
      out: `${good}: 1 routes and 0 upstreams are in order\n`,
      err: '',
    });
  });

  test('of good definitions as JSON tells the hash', async () => {
    const { code, out } = await cutover(['validate', good, '--json']);
    expect([code, JSON.parse(out)]).toEqual([
      0,
      { ok: true, hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ]);
  });

  test('of bad definitions lists every problem with its place', async () => {
    const { code, out, err } = await cutover(['validate', bad]);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(`${bad}:2:34: routes[0].respons: there is no field respons`);
  });

  test('of bad definitions as JSON lists the problems', async () => {
    const { code, out } = await cutover(['validate', bad, '--json']);
    expect([code, JSON.parse(out).ok]).toEqual([1, false]);
    expect(JSON.parse(out).problems).toMatchObject([
      { code: 'bad-path', file: bad, line: 2, column: 29 },
      { code: 'unknown-field', file: bad, line: 2, column: 34 },
    ]);
  });

  test('of a file that is not there fails and names it', async () => {
    const { code, err } = await cutover(['validate', join(folder, 'none.yaml')]);
    expect(code).toBe(1);
    expect(err).toContain(`${join(folder, 'none.yaml')} cannot be read`);
  });
});

describe('dump', () => {
  test('prints the compiled shape as JSON', async () => {
    const { code, out } = await cutover(['dump', good]);
    expect(code).toBe(0);
    expect(JSON.stringify(JSON.parse(out))).toContain('"a"');
  });

  test('of bad definitions fails', async () => {
    const { code, out, err } = await cutover(['dump', bad]);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(`${bad}:2:34: `);
  });
});

describe('help', () => {
  test('of the whole names every command and has examples', async () => {
    const { code, out } = await cutover(['--help']);
    expect(code).toBe(0);
    expect(out).toContain('Examples:');
    for (const name of ['serve', 'validate', 'diff', 'apply', 'rollback', 'status', 'revisions']) {
      expect(out).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    }
  });

  test.each([
    'serve',
    'validate',
    'diff',
    'apply',
    'rollback',
    'status',
    'revisions',
    'report',
    'dump',
  ])('of %s has an example', async (name) => {
    const { code, out } = await cutover([name, '--help']);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`Examples?:\\n {2}cutover ${name}`));
  });

  test('the version is printed', async () => {
    expect(await cutover(['--version'])).toMatchObject({ code: 0, out: '0.1.0\n' });
  });
});

describe('a wrong call exits with 2 and says why', () => {
  test.each([
    [[], /Usage: cutover/],
    [['bogus'], /unknown command 'bogus'/],
    [['aply'], /Did you mean apply\?/],
    [['apply'], /missing required argument 'path'/],
    [['validate', 'a', 'b'], /too many arguments/],
    [['apply', 'x', '--nope'], /unknown option '--nope'/],
    [['report'], /missing required argument 'revision'/],
    [['report', 'x'], /x is not a number/],
    [['rollback', '0'], /0 is not a number from 1/],
    [['rollback', '1.5'], /1\.5 is not a number/],
    [['revisions', 'x'], /x is not a number/],
    [['serve', '--set', 'listen.port=x'], /listen\.port/],
    [['serve', '--set', 'nonsense=1'], /nonsense/],
    [['serve', '--set', 'admin.host=0.0.0.0'], /does not listen on 0\.0\.0\.0/],
    [['serve', '--settings', '/none.yaml'], /\/none\.yaml cannot be read/],
  ] as const)('%j', async (args, message) => {
    const { code, out, err } = await cutover(args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(message);
  });

  test.each([
    ['--wait', 'soon'],
    ['--admin', 'nonsense'],
  ])('apply with %s %s', async (option, value) => {
    const admin = `http://127.0.0.1:${await closedPort()}`;
    const args = ['apply', good, '--token-file', token, '--admin', admin, option, value];
    expect((await cutover(args)).code).toBe(2);
  });
});

test.each([
  ['apply', () => good],
  ['rollback', () => '1'],
])('%s with a note over the limit is called wrongly, and says so', async (command, argument) => {
  const args = [command, argument(), '--note', 'n'.repeat(1025), '--token-file', token];
  const { code, out, err } = await cutover(args);
  expect([code, out]).toEqual([2, '']);
  expect(err).toBe('cutover: --note has 1025 characters; at most 1024 are kept (noteLengthMax)\n');
});

describe('a folder without a file of definitions', () => {
  test.each(['validate', 'dump', 'apply', 'diff'])('is an error of %s', async (command) => {
    const empty = mkdtempSync(join(folder, 'empty-'));
    writeFileSync(join(empty, 'notes.txt'), 'routes: []');
    const { code, out, err } = await cutover([command, empty]);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(`${empty} has no file of definitions`);
    writeFileSync(join(empty, 'empty.yaml'), '');
    if (command === 'validate') expect((await cutover([command, empty])).code).toBe(0);
  });
});

describe('a command that cannot do its work exits with 1', () => {
  test('when no node answers, and says where it looked', async () => {
    const admin = `http://127.0.0.1:${await closedPort()}`;
    const { code, out, err } = await cutover(['status', '--admin', admin, '--token-file', token]);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(`cutover: no node answers at ${admin} (`);
  });

  test('when the token cannot be read, and names the file', async () => {
    const { code, err } = await cutover(['status', '--token-file', join(folder, 'none')]);
    expect(code).toBe(1);
    expect(err).toContain(join(folder, 'none'));
  });

  test.each([
    ['two lines', 'secret-one\nsecret-two\n'],
    ['nothing', '\n'],
    ['other than ASCII', 'secret-\u00e9'],
  ])('when the token file holds %s, and says nothing of its content', async (_name, text) => {
    const wrong = join(folder, 'wrong-token');
    writeFileSync(wrong, text);
    const { code, out, err } = await cutover(['status', '--token-file', wrong]);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(`${wrong} does not hold a token`);
    expect(err).not.toContain('secret');
  });

  test('when the token is refused, or what answers is no node', async () => {
    for (const [status, body] of [
      [401, '{"code":"token-missing","detail":"send the token"}'],
      [502, 'bad gateway'],
    ] as const) {
      const admin = await answering(status, body);
      const { code, err } = await cutover(['status', '--admin', admin, '--token-file', token]);
      expect(code).toBe(1);
      expect(err).toBe(`cutover: ${status === 401 ? 'send the token' : 'bad gateway'}\n`);
    }
  });

  test('when what answers 200 is no node, and says so', async () => {
    const admin = await answering(200, '<html>hello</html>');
    const { code, err } = await cutover(['status', '--admin', admin, '--token-file', token]);
    expect(code).toBe(1);
    expect(err).toContain(admin);
  });
});

test.each([
  [[], 'not confirmed: the cluster cannot be reached'],
  [['node-b'], 'not confirmed in time by node-b'],
])('a bust that is late at %j is not called done', async (late, wanted) => {
  const nodes = [{ id: 'node-a', workers: [{ id: 0, droppedMs: 1 }], droppedMs: 1 }];
  const reply = { position: 7, entries: 2, droppedMs: 1, nodes, late, queued: true };
  const admin = await answering(202, JSON.stringify(reply));
  const args = ['bust', '--tag', 'x', '--admin', admin, '--token-file', token];
  const { code, out } = await cutover(args);
  expect(code).toBe(1);
  expect(out).toContain(wanted);
});

test('a user may have any name', async () => {
  const admin = await answering(200, '{"nodes":[]}');
  const args = ['status', '--admin', admin, '--token-file', token];
  expect(await cutover(args, { USER: '山田' })).toMatchObject({ code: 0, err: '' });
});

async function answering(status: number, body: string): Promise<string> {
  const server = createServer((_request, response) => response.writeHead(status).end(body));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('errors as JSON', () => {
  const errorOf = async (...args: string[]) => {
    const { code, out, err } = await cutover([...args, '--json']);
    return { code, out, ...JSON.parse(err) };
  };

  test('have the code of what is wrong', async () => {
    const admin = `http://127.0.0.1:${await closedPort()}`;
    expect(await errorOf('status', '--admin', admin, '--token-file', token)).toEqual({
      code: 1,
      out: '',
      error: { code: 'node-unreachable', message: expect.stringContaining(admin) },
    });
  });

  test('have the problems of definitions', async () => {
    const { code, error } = await errorOf('diff', bad);
    expect([code, error.code, error.problems.length]).toEqual([1, 'definitions-invalid', 2]);
  });

  test.each([[['report', 'x']], [['report']], [['status', '--no-such']], [['nothing']]])(
    'of %j, which is called wrongly, exit with 2',
    async (args) => {
      expect(await errorOf(...args)).toMatchObject({ code: 2, out: '', error: { code: 'usage' } });
    },
  );
});

describe('nobody reads standard output', () => {
  test.each([['--help'], ['dump'], ['validate']])('%s ends quietly', async (command) => {
    const args = command === '--help' ? [command] : [command, good];
    expect(await cutoverUnread(args)).toEqual({ code: 0, out: '', err: '' });
  });

  test('what was refused is still told by the exit code', async () => {
    expect(await cutoverUnread(['validate', bad, '--json'])).toEqual({ code: 1, out: '', err: '' });
  });
});
