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
  log: { level: 'info', access: { kind: 'off' } },
  forwarded: { style: 'x-forwarded', trust: [], via: 'cutover' },
  drain: { timeoutMs: 30_000 },
  limits: { bodyBytes: null, headerBytes: 16_384 },
};

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

  test.each([
    ['listen: { port: 65536 }', '1:17 limit listen.port'],
    ['listen: { port: -1 }', '1:17 bad-value listen.port'],
    ['listen: { port: "80" }', '1:17 wrong-type listen.port'],
    ['listen: { prot: 1 }', '1:11 unknown-field listen.prot'],
    ['workers: 0', '1:10 bad-value workers'],
    ['workers: 65', '1:10 limit workers'],
    ['admin: { host: 0.0.0.0 }', '1:16 bad-value admin.host'],
    ['admin: { host: "" }', '1:16 bad-value admin.host'],
    ['cluster: { kind: hazelcast }', '1:18 bad-value cluster.kind'],
    ['log: { access: sometimes }', '1:16 bad-value log.access'],
    ['log: { access: sample 101% }', '1:16 bad-value log.access'],
    ['log: { level: loud }', '1:15 bad-value log.level'],
    ['cache: { memory: lots }', '1:18 bad-value cache.memory'],
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

  test.each(['nothing=1', 'listen=1', 'listen.port', '', '=', 'listen.port.x=1', '__proto__.x=1'])(
    '--set %j is none',
    (set) => {
      expect(problemsOf({ sets: [set] })).toEqual(['command line:1:1 unknown-field ']);
    },
  );
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
