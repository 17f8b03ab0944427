// Goal: a secret comes from where its reference says, or the apply is refused and says which is
// missing, never what it holds. Method: an environment and files, then an apply on a simulated node.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { dumpShape } from '../../../src/control/dump.ts';
import { readSecrets } from '../../../src/control/secrets.ts';
import { ShapeReader } from '../../../src/memory/shape.ts';
import type { SecretReference } from '../../../src/model/secret.ts';
import { resolved } from '../../kit/compiled.ts';
import { testFolder } from '../../kit/folder.ts';
import { SimulatedNode } from '../../kit/simulated-node.ts';

function writtenWith(...tokens: object[]) {
  return {
    upstreams: { a: { endpoints: ['http://a'] } },
    routes: tokens.map((token, index) => ({
      id: `r${index}`,
      match: { path: `/${index}` },
      upstream: 'a',
      cache: { debug: { token } },
    })),
  };
}

function read(token: object, environment: Record<string, string> = {}): string {
  const definitions = resolved(writtenWith(token));
  const reference = definitions.routes[0]?.cache?.debugToken as SecretReference;
  return readSecrets(definitions, environment)(reference);
}

describe('a secret', () => {
  test('comes from the environment', () => {
    expect(read({ env: 'TOKEN' }, { TOKEN: 'abc' })).toBe('abc');
  });

  test('comes from a file, without the line end', () => {
    const file = join(testFolder(), 'token');
    writeFileSync(file, 'abc\n');
    expect(read({ file })).toBe('abc');
  });

  test.each<[string, Record<string, string>, string]>([
    ['not set', {}, 'is not set'],
    ['empty', { TOKEN: ' ' }, 'is empty'],
    ['too long', { TOKEN: 'x'.repeat(1025) }, 'is over 1024 bytes (secretBytesMax)'],
    ['of other characters', { TOKEN: 'a b' }, 'has characters other than visible ASCII'],
  ])('that is %s is missing', (_name, environment, why) => {
    expect(() => read({ env: 'TOKEN' }, environment)).toThrow(
      `route r0: cache.debug.token: env TOKEN ${why}`,
    );
  });

  test('in a folder, a file that is not there or a large one is missing', () => {
    const folder = testFolder();
    const large = join(folder, 'large');
    writeFileSync(large, 'x'.repeat(2000));
    expect(() => read({ file: folder })).toThrow(`file ${folder} is not a file`);
    expect(() => read({ file: `${folder}/none` })).toThrow('cannot be read: ENOENT');
    expect(() => read({ file: large })).toThrow('is over 1024 bytes');
  });
});

test('all that are missing are named at once, and by reference', () => {
  const definitions = resolved(writtenWith({ env: 'A' }, { env: 'B' }, { env: 'A' }, { env: 'C' }));
  expect(() => readSecrets(definitions, { B: 'b', C: 'not visible \u0000' })).toThrow(
    /^route r0: .* env A is not set; route r2: .* env A is not set; route r3: .* env C has char[^;]*$/,
  );
});

test('an apply without its secret is rejected and leaves nothing; with it the shape has it', async () => {
  const node = new SimulatedNode(1, { GIVEN: 'the-secret' });
  expect(await node.join(0)).toBe(true);
  const answer = await node.apply(writtenWith({ env: 'ABSENT' }));
  expect(answer).toMatchObject({
    kind: 'rejected',
    code: 'secret-missing',
    message: 'route r0: cache.debug.token: env ABSENT is not set',
  });
  expect(node.workers[0]?.attached.size).toBe(0);
  expect(node.eventsOf('names')).toEqual([]);
  expect(await node.apply(writtenWith({ env: 'GIVEN' }))).toMatchObject({ kind: 'applied' });
  const shape = new ShapeReader(
    node.workers[0]?.lastBytes ?? new Uint8Array(new SharedArrayBuffer(0)),
  );
  expect(shape.route(0).cache?.debugToken).toBe('the-secret');
  node.close();
});

test('a generation is told the shape keys of the one that was active before', async () => {
  const node = new SimulatedNode(1);
  await node.join(0);
  const keysAfter = async (cache: object) => {
    const route = { id: 'r', match: { path: '/' }, upstream: 'a', cache };
    const upstreams = { a: { endpoints: ['http://a'] } };
    expect((await node.apply({ upstreams, routes: [route] })).kind).toBe('applied');
    const bytes = node.workers[0]?.lastBytes ?? new Uint8Array(new SharedArrayBuffer(0));
    const { cache: policy } = new ShapeReader(bytes).route(0);
    return [policy?.shapeKey, policy?.previousShapeKey];
  };
  const [first, none] = await keysAfter({});
  expect(none).toBeNull();
  expect(await keysAfter({ ttl: '1s' })).toEqual([first, null]);
  const [second, before] = await keysAfter({ tags: ['t'] });
  expect(second).not.toBe(first);
  expect(before).toBe(first);
  node.close();
});

test('a dump says where a secret stands and does not read it', () => {
  const dump = JSON.stringify(dumpShape(resolved(writtenWith({ env: 'PATH' })), 'hash'));
  expect(dump).toContain('"debugToken":"(env PATH)"');
});
