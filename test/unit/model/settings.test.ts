// Goal: settings come from defaults, a file, the environment and the command line, later ones win,
// and what is wrong is told. Method: one source at a time, then all against each other.
import { describe, expect, test } from 'vitest';
import { resolveSettings } from '../../../src/model/resolve-settings.ts';
import type { Settings } from '../../../src/model/settings.ts';

interface Given {
  readonly file?: string;
  readonly environment?: Record<string, string>;
  readonly sets?: string[];
}

function resolve({ file, environment = {}, sets = [] }: Given) {
  return resolveSettings({
    file: file === undefined ? null : { file: 'settings.yaml', text: file },
    environment,
    sets,
    defaults: { hostname: 'here', workers: 3 },
  });
}

function settingsOf(given: Given): Settings {
  const resolved = resolve(given);
  if (!resolved.ok) throw new Error(JSON.stringify(resolved.problems));
  return resolved.settings;
}

/** `place code path` of each problem. */
function problemsOf(given: Given): string[] {
  const resolved = resolve(given);
  if (resolved.ok) throw new Error('these settings must be refused');
  return resolved.problems.map(
    ({ file, line, column, code, path }) => `${file}:${line}:${column} ${code} ${path}`,
  );
}

const defaults: Settings = {
  node: { id: 'here', region: 'local' },
  listen: { host: '127.0.0.1', port: 8080 },
  admin: { host: '127.0.0.1', port: 9080 },
  workers: 3,
  data: './data',
  cache: { memoryBytes: 268_435_456, snapshot: true, entryBytesMax: 8_388_608 },
  cluster: { kind: 'memory' },
  warm: { budgetMs: 2_000, bytesMax: 64 * 1024 * 1024 },
  log: { level: 'info', access: { kind: 'off' } },
  forwarded: { style: 'x-forwarded', trust: [], via: 'cutover' },
  drain: { timeoutMs: 30_000 },
  limits: { bodyBytes: null, headerBytes: 16_384 },
};

function cache(fields: object): object {
  return { cache: { ...defaults.cache, ...fields } };
}

test.each<Given>([
  {},
  { file: '' },
  { file: 'listen: {}\nlog: {}\n' },
  { environment: { PATH: '/' } },
])('nothing said in %j means the defaults', (given) => {
  expect(settingsOf(given)).toEqual(defaults);
});

test('a later source wins, field by field', () => {
  const file = 'listen: { host: 0.0.0.0, port: 1 }\nworkers: 1\nnode: { id: file, region: file }\n';
  const environment = { CUTOVER_LISTEN_PORT: '2', CUTOVER_NODE_ID: 'env' };
  expect(settingsOf({ file, environment, sets: ['node.id=set', 'node.id=last'] })).toMatchObject({
    listen: { host: '0.0.0.0', port: 2 },
    workers: 1,
    node: { id: 'last', region: 'file' },
  });
});

describe('a setting', () => {
  test.each<[string, unknown]>([
    ['listen.port=0', { listen: { host: '127.0.0.1', port: 0 } }],
    ['data=none', { data: null }],
    ['data=/a=b', { data: '/a=b' }],
    ['log.access=sample 1%', { log: { level: 'info', access: { kind: 'sample', percent: 1 } } }],
    [
      'log.access=sample 0.5%',
      { log: { level: 'info', access: { kind: 'sample', percent: 0.5 } } },
    ],
    ['log.access=errors', { log: { level: 'info', access: { kind: 'errors' } } }],
    [
      'forwarded.trust=[10.0.0.0/8, "::1"]',
      { forwarded: { ...defaults.forwarded, trust: ['10.0.0.0/8', '::1'] } },
    ],
    ['forwarded.trust=[]', { forwarded: defaults.forwarded }],
    ['forwarded.via=', { forwarded: { ...defaults.forwarded, via: '' } }],
    ['drain.timeout=1.5m', { drain: { timeoutMs: 90_000 } }],
    ['limits.body=1MiB', { limits: { bodyBytes: 1_048_576, headerBytes: 16_384 } }],
    ['cluster.kind=memory', {}],
    ['cache.memory=1GiB', cache({ memoryBytes: 1_073_741_824 })],
    ['cache.memory=16MiB', cache({ memoryBytes: 16_777_216, entryBytesMax: 4_194_304 })],
    ['cache.memory=off', { cache: null }],
    ['cache.memory=0', { cache: null }],
    ['cache.entry=64MiB', cache({ entryBytesMax: 67_108_864 })],
    ['admin.host=::1', { admin: { host: '::1', port: 9080 } }],
  ])('%s by command line, environment or file', (set, wanted) => {
    const [path = '', text = ''] = set.split(/=(.*)/s);
    const name = `CUTOVER_${path.replace('.', '_').toUpperCase()}`;
    const [section, field] = path.split('.');
    const value = text.startsWith('[') || /^\d+$/.test(text) ? text : JSON.stringify(text);
    const file =
      field === undefined ? `${section}: ${value}` : `${section}: { ${field}: ${value} }`;
    for (const given of [{ sets: [set] }, { environment: { [name]: text } }, { file }]) {
      expect(settingsOf(given)).toEqual({ ...defaults, ...(wanted as object) });
    }
  });

  test('cluster.members by command line, environment or file, with a port where none is said', () => {
    const members = '[10.0.0.5, "a.example:5702", "[::1]:5703"]';
    const written = { file: `cluster: { kind: hazelcast, members: ${members} }` };
    const sets = ['cluster.kind=hazelcast', `cluster.members=${members}`];
    const environment = { CUTOVER_CLUSTER_KIND: 'hazelcast', CUTOVER_CLUSTER_MEMBERS: members };
    const cluster = {
      kind: 'hazelcast',
      name: 'cutover',
      members: ['10.0.0.5:5701', 'a.example:5702', '[::1]:5703'],
      key: null,
    };
    for (const given of [written, { sets }, { environment }]) {
      expect(settingsOf(given)).toEqual({ ...defaults, cluster });
    }
  });

  test('cache.snapshot=false by command line, environment or file', () => {
    const off = { ...defaults, ...cache({ snapshot: false }) };
    expect(settingsOf({ sets: ['cache.snapshot=false'] })).toEqual(off);
    expect(settingsOf({ environment: { CUTOVER_CACHE_SNAPSHOT: 'false' } })).toEqual(off);
    expect(settingsOf({ file: 'cache: { snapshot: false }' })).toEqual(off);
  });

  test.each([
    ['cache: { memory: 0 }'],
    ['cache: { memory: 0B }'],
    ['cache: { memory: false }'],
    ['cache: { memory: off }'],
    ['cache: { memory: "0", entry: 8MiB }'],
  ])('%s is no cache', (file) => {
    expect(settingsOf({ file })).toEqual({ ...defaults, cache: null });
  });

  test.each([
    ['listen: { port: 65536 }', '1:17 limit listen.port'],
    ['listen: { port: -1 }', '1:17 bad-value listen.port'],
    ['listen: { port: "80" }', '1:17 wrong-type listen.port'],
    ['listen: { prot: 1 }', '1:11 unknown-field listen.prot'],
    ['workers: 0', '1:10 bad-value workers'],
    ['workers: 65', '1:10 limit workers'],
    ['admin: { host: 0.0.0.0 }', '1:16 bad-value admin.host'],
    ['admin: { host: "" }', '1:16 bad-value admin.host'],
    ['cluster: { kind: redis }', '1:18 bad-value cluster.kind'],
    ['cluster: { name: "a b" }', '1:18 bad-value cluster.name'],
    ['cluster: { members: [] , kind: hazelcast }', '1:21 missing cluster.members'],
    ['cluster: { members: ["a:0"] }', '1:22 bad-value cluster.members[0]'],
    ['cluster: { members: ["a:65536"] }', '1:22 bad-value cluster.members[0]'],
    ['cluster: { members: ["http://a:5701"] }', '1:22 bad-value cluster.members[0]'],
    ['cluster: { members: ["a", "a:5701"] }', '1:27 duplicate cluster.members[1]'],
    ['log: { access: sometimes }', '1:16 bad-value log.access'],
    ['log: { access: sample 101% }', '1:16 bad-value log.access'],
    ['log: { level: loud }', '1:15 bad-value log.level'],
    ['cache: { memory: lots }', '1:18 bad-value cache.memory'],
    ['cache: { memory: 4095KiB }', '1:18 bad-value cache.memory'],
    ['cache: { memory: 4097MiB }', '1:18 limit cache.memory'],
    ['cache: { memory: 1 }', '1:18 wrong-type cache.memory'],
    ['cache: { memory: true }', '1:18 wrong-type cache.memory'],
    ['cache: { entry: 4095B }', '1:17 bad-value cache.entry'],
    ['cache: { memory: 2GiB, entry: 257MiB }', '1:31 limit cache.entry'],
    ['cache: { memory: off, entry: 1B }', '1:30 bad-value cache.entry'],
    ['cache: { entry: large }', '1:17 bad-value cache.entry'],
    ['cache: { memory: 16MiB, entry: 4097KiB }', '1:32 limit cache.entry'],
    ['cache: { snapshot: maybe }', '1:20 wrong-type cache.snapshot'],
    ['drain: { timeout: 5 }', '1:19 wrong-type drain.timeout'],
    ['drain: { timeout: 5 s }', '1:19 bad-value drain.timeout'],
    ['limits: { header: 16 }', '1:19 wrong-type limits.header'],
    ['- a', '1:1 wrong-type '],
    ['a: [', '1:5 syntax '],
  ])('%s is refused', (file, problem) => {
    expect(problemsOf({ file })).toEqual([`settings.yaml:${problem}`]);
  });

  test('all problems are told at once', () => {
    const file = 'listen: { port: x }\nworkers: 0\n';
    expect(problemsOf({ file, sets: ['nothing=1'] })).toHaveLength(3);
  });

  test.each(['nothing=1', 'listen=1', '', '=', 'listen.port.x=1', '__proto__.x=1'])(
    '--set %j is none',
    (set) => {
      expect(problemsOf({ sets: [set] })).toEqual(['command line:1:1 unknown-field ']);
    },
  );
});

describe('what to write instead', () => {
  test.each<[Given, string]>([
    [{ sets: ['listen.port'] }, 'write listen.port=VALUE'],
    [{ sets: ['cluster.members=10.0.0.5:5701'] }, 'write [10.0.0.5:5701]'],
    [{ file: 'drain: { timeout: 5 }' }, 'write 5s'],
    [{ file: 'limits: { header: 16384 }' }, 'write 16384B'],
    [{ file: 'cache: { memory: 64 }' }, 'write 64MiB'],
  ])('%j', (given, hint) => {
    const resolved = resolve(given);
    expect(resolved.ok ? [] : resolved.problems).toMatchObject([{ hint }]);
  });
});

describe('faults', () => {
  test.each([
    ['CUTOVER_NODE_ID', 'node.id'],
    ['CUTOVER_NODE_REGION', 'node.region'],
    ['CUTOVER_DATA', 'data'],
    ['CUTOVER_FORWARDED_VIA', 'forwarded.via'],
  ])('%s=42 is a text', (name, path) => {
    const byEnvironment = settingsOf({ environment: { [name]: '42' } });
    expect(settingsOf({ sets: [`${path}=42`] })).toEqual(byEnvironment);
    expect(JSON.stringify(byEnvironment)).toContain('"42"');
  });

  test('a file that is a plain text is refused, with --set too', () => {
    expect(problemsOf({ file: 'text', sets: ['listen.port=1'] })).toEqual([
      'settings.yaml:1:1 wrong-type ',
    ]);
  });

  test('a bad value of --set is placed on the command line', () => {
    expect(problemsOf({ file: 'listen: { port: 1 }', sets: ['listen.port=x'] })).toEqual([
      'command line:1:1 wrong-type listen.port',
    ]);
  });

  test('a bad value of the environment is not placed in the file', () => {
    const problems = problemsOf({
      file: 'listen: { port: 1 }',
      environment: { CUTOVER_LISTEN_PORT: 'x' },
    });
    expect(problems).toHaveLength(1);
    expect(problems[0]).not.toMatch(/^settings\.yaml/);
  });

  test('an empty listen.host is refused', () => {
    expect(problemsOf({ sets: ['listen.host='] })).toHaveLength(1);
  });

  test('limits.header of nothing is refused', () => {
    expect(problemsOf({ file: 'limits: { header: 0B }' })).toHaveLength(1);
    expect(problemsOf({ file: 'limits: { header: 257KiB }' })).toHaveLength(1);
  });
});
