// Goal: each command that talks to a node does what it says, in a table for people and as JSON.
// Method: commands run as processes of their own against one gateway.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type CommandResult, cutover } from '../kit/cli.ts';
import { Gateway } from '../kit/gateway.ts';
import { exchange, get } from '../kit/raw-client.ts';

let gateway: Gateway;
let folder: string;
const file = (body: string): string => join(folder, `${body}.yaml`);

function call(command: string, ...args: string[]): Promise<CommandResult> {
  const tokenFile = join(gateway.dataFolder, 'admin-token');
  return cutover([command, '--admin', gateway.adminUrl, '--token-file', tokenFile, ...args], {
    USER: 'ada',
  });
}

async function said(): Promise<string> {
  return (await exchange(gateway.port, get('/say'))).body;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cutover-test-'));
  for (const body of ['one', 'two', 'three', 'four']) {
    writeFileSync(
      file(body),
      `routes:\n  - id: say\n    match: { path: /say }\n    respond: { body: ${body} }\n`,
    );
  }
  writeFileSync(file('bad'), 'routes:\n  - id: say\n    match: { path: say }\n    respond: {}\n');
  gateway = await Gateway.start({ set: ['node.id=node-x', 'workers=1'] });
});

beforeEach(async () => {
  await call('apply', file('one'));
});

afterAll(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true });
});

describe('apply', () => {
  test('prints what changed, the timings and the workers', async () => {
    const { code, out, err } = await call('apply', file('two'), '--note', 'a reason');
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('~ route say');
    expect(out).toMatch(/revision +outcome +validate ms +compile ms +staged ms +switched ms/);
    expect(out).toMatch(/\d+ +applied +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+/);
    expect(out).toMatch(/node +worker +switched ms\s+node-x +0 +[\d.]+/);
    expect(await said()).toBe('two');
    const [newest] = (await gateway.admin('GET', '/v1/revisions?limit=1')).body.revisions;
    expect(newest).toMatchObject({ author: 'ada', note: 'a reason' });
  });

  test('prints the answer of the node as JSON', async () => {
    const { code, out } = await call('apply', file('two'), '--json');
    expect([code, JSON.parse(out).outcome]).toEqual([0, 'applied']);
  });

  test('of a folder reads all files in it, as one set', async () => {
    const { code, err } = await call('apply', folder);
    expect([code, await said()]).toEqual([1, 'one']);
    expect(err).toContain(`the id say stands at ${file('bad')}:2 too`);
  });

  test('as a dry run changes nothing', async () => {
    const { code, out } = await call('apply', file('two'), '--dry-run');
    expect([code, await said()]).toEqual([0, 'one']);
    expect(out).toMatch(/\d+ +dry-run /);
  });

  test('of the same is unchanged', async () => {
    const { code, out } = await call('apply', file('one'));
    expect(code).toBe(0);
    expect(out).toMatch(/^nothing changes\n/);
    expect(out).toMatch(/\d+ +unchanged /);
  });

  test('of bad definitions is refused with file, line and path', async () => {
    const { code, out, err } = await call('apply', file('bad'));
    expect([code, out, await said()]).toEqual([1, '', 'one']);
    expect(err).toContain(`${file('bad')}:3:20: routes[0].match.path: `);
  });
});

describe('diff', () => {
  test('prints what an apply would touch', async () => {
    const { code, out } = await call('diff', file('two'));
    expect([code, await said()]).toEqual([0, 'one']);
    expect(out).toMatch(/^~ route say\n {4}action\.body.*: .*one.* -> .*two.*\n/);
  });

  test('prints it as JSON', async () => {
    const { out } = await call('diff', file('two'), '--json');
    expect(JSON.parse(out).routes.changed).toMatchObject([{ name: 'say' }]);
  });

  test('of bad definitions is refused', async () => {
    expect((await call('diff', file('bad'))).code).toBe(1);
  });
});

describe('rollback', () => {
  test('without a number goes to the revision before', async () => {
    await call('apply', file('two'));
    const { code, out } = await call('rollback', '--note', 'oops');
    expect([code, await said()]).toEqual([0, 'one']);
    expect(out).toMatch(/\d+ +applied /);
    const [newest] = (await gateway.admin('GET', '/v1/revisions?limit=1')).body.revisions;
    expect(newest).toMatchObject({ author: 'ada', note: 'oops' });
  });

  test('with a number goes there', async () => {
    const { revision } = JSON.parse((await call('apply', file('two'), '--json')).out);
    await call('apply', file('three'));
    const { code, out } = await call('rollback', `${revision}`, '--json');
    expect([code, JSON.parse(out).outcome, await said()]).toEqual([0, 'applied', 'two']);
  });

  test('to an unknown revision is refused', async () => {
    const { code, err } = await call('rollback', '9999');
    expect([code, err]).toEqual([
      1,
      'cutover: there is no revision 9999; GET /v1/revisions lists them\n',
    ]);
  });
});

describe('status', () => {
  test('prints nodes, workers and generations', async () => {
    const { code, out } = await call('status');
    expect(code).toBe(0);
    expect(out).toMatch(/^node node-x \(local\): revision \d+, ready\n/);
    expect(out).toMatch(/worker +state +generation +connections\s+0 +ready +\d+ +\d+/);
    expect(out).toMatch(/\d+ +\d+ +active +0 +\d+ +\d+ +0 +0 +0/);
  });

  test('prints the answer of the node as JSON', async () => {
    const { out } = await call('status', '--json');
    expect(JSON.parse(out).nodes[0]).toMatchObject({ id: 'node-x', ready: true });
  });
});

describe('revisions', () => {
  test('prints as many as are asked for, the head marked', async () => {
    const { revision, hash } = JSON.parse((await call('apply', file('two'), '--json')).out);
    const { code, out } = await call('revisions', '2');
    const lines = out.trimEnd().split('\n');
    expect([code, lines.length]).toEqual([0, 3]);
    expect(lines[1]).toMatch(
      new RegExp(`^ *\\* +${revision} +acknowledged +\\S+ +ada +${hash.slice(0, 12)}`),
    );
    expect(lines[2]).not.toContain('*');
  });

  test('prints the answer of the node as JSON', async () => {
    expect(JSON.parse((await call('revisions', '1', '--json')).out).revisions).toHaveLength(1);
  });
});

describe('report', () => {
  test('prints what a revision changed and its ledger', async () => {
    const { revision } = JSON.parse((await call('apply', file('four'), '--json')).out);
    await said();
    const { code, out } = await call('report', `${revision}`);
    expect(code).toBe(0);
    expect(out).toContain('~ route say');
    expect(out).toMatch(/accepted +completed +aborted +refused +failed\s+1 +1 +0 +0 +0/);
  });

  test('prints it as JSON', async () => {
    const { revision } = JSON.parse((await call('apply', file('two'), '--json')).out);
    expect(JSON.parse((await call('report', `${revision}`, '--json')).out)).toMatchObject({
      revision,
      state: 'acknowledged',
      diff: { identical: false },
    });
  });

  test('of an unknown revision is refused', async () => {
    expect((await call('report', '9999')).code).toBe(1);
  });
});

test('revisions and report say why a revision was rejected', async () => {
  const secret = join(folder, 'secret.yaml');
  writeFileSync(
    secret,
    'upstreams:\n  a: { endpoints: ["http://127.0.0.1:1"] }\nroutes:\n  - id: say\n    match: { path: /say }\n' +
      '    upstream: a\n    cache: { debug: { token: { env: NOT_SET } } }\n',
  );
  const refused = await call('apply', secret);
  expect(refused.code).toBe(1);
  const [{ revision }] = (await gateway.admin('GET', '/v1/revisions?limit=1')).body.revisions;
  const reason = `revision ${revision} was rejected: route say: cache.debug.token: env NOT_SET is not set`;
  expect((await call('revisions', '1')).out).toContain(reason);
  expect((await call('report', `${revision}`)).out).toContain(reason);
});

test('the port that takes traffic is told from an admin interface', async () => {
  const tokenFile = join(gateway.dataFolder, 'admin-token');
  const admin = `http://127.0.0.1:${gateway.port}`;
  const args = ['status', '--admin', admin, '--token-file', tokenFile, '--json'];
  const { code, err } = await cutover(args);
  expect([code, JSON.parse(err).error.code]).toEqual([1, 'no-node']);
});
