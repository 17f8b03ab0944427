// The public suite of HTTP caches (http-cache-tests): its origin and its client on loopback, with
// Cutover between them, one route with `cache: {}`. What fails must be listed, with its reason, in
// docs/http-caching.md; the suite's newest results of other caches are at cache-tests.fyi.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Gates, printTable } from './kit/gates.mjs';
import { benchFolder, cutover } from './kit/peers.mjs';
import { startServer } from './kit/processes.mjs';

const port = 19_040;
const adminPort = 19_041;
const originPort = 19_042;
const docs = fileURLToPath(new URL('../docs/http-caching.md', import.meta.url));

/** At most so many may fail, whatever the docs list. */
const failedMax = { required: 8, optimal: 12 };

/** The suite's own modules; it has no interface but its command line, which prints JSON alone. */
async function loadSuite() {
  const file = (name) => import(`http-cache-tests/${name}`);
  const suites = [...(await file('tests/index.mjs')).default];
  suites.push((await file('tests/surrogate-control.mjs')).default);
  const [config, state, test] = await Promise.all([
    file('server/handle-config.mjs'),
    file('server/handle-state.mjs'),
    file('server/handle-test.mjs'),
  ]);
  const { runTests, getResults } = await file('client/runner.mjs');
  const require = createRequire(
    createRequire(import.meta.url).resolve('http-cache-tests/package.json'),
  );
  return {
    suites,
    answers: { config: config.default, state: state.default, test: test.default },
    runTests,
    getResults,
    // As the suite's command line does; the fetch of the platform hides some headers.
    fetch: require('node-fetch'),
  };
}

/** The suite's own server listens on all addresses; this one has its three parts, on loopback. */
function startOrigin(answers) {
  const server = createServer((request, response) => {
    const [, part = '', ...rest] = new URL(request.url, 'http://origin').pathname.split('/');
    const answer = answers[part];
    if (answer !== undefined) answer(rest, request, response);
    else response.writeHead(404).end();
  });
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(originPort, '127.0.0.1', () => resolve(server));
  });
}

function definitions() {
  return {
    upstreams: { origin: { endpoints: [`http://127.0.0.1:${originPort}`] } },
    routes: [{ id: 'all', match: { path: '/**' }, upstream: 'origin', cache: {} }],
  };
}

/** Every test that is meant for proxies, with its outcome. */
function judge(suites, results) {
  const tests = suites.flatMap((suite) => suite.tests).filter((test) => test.browser_only !== true);
  const byId = new Map(tests.map((test) => [test.id, test]));
  const passes = (id) =>
    results[id] === true && (byId.get(id)?.depends_on ?? []).every((other) => passes(other));
  return tests.map(({ id, kind = 'required', depends_on: needs = [] }) => {
    const result = results[id];
    const [type, message] = Array.isArray(result) ? result : ['', ''];
    let outcome = result === true ? 'passed' : 'failed';
    if (!needs.every(passes)) outcome = 'untested';
    return { id, kind, outcome, why: type === 'Setup' ? `set-up: ${message}` : message };
  });
}

/** Ids of the docs' table of failures. */
function listedFailures() {
  const [, section = ''] = /^## 3\. ([\s\S]*)/m.exec(readFileSync(docs, 'utf8')) ?? [];
  return new Set([...section.matchAll(/^\| `([^`]+)` *\|/gm)].map(([, id]) => id));
}

function print(tests) {
  const count = (kind, outcome) =>
    tests.filter((test) => test.kind === kind && test.outcome === outcome).length;
  const rows = ['required', 'optimal', 'check'].map((kind) => [
    kind,
    ...['passed', 'failed', 'untested'].map((outcome) => count(kind, outcome)),
  ]);
  printTable(['kind', 'passed', 'failed', 'untested (needs one that fails)'], rows);
  const listed = listedFailures();
  const failures = tests
    .filter(({ kind, outcome }) => kind !== 'check' && outcome !== 'passed')
    .map(({ id, kind, outcome, why }) => [id, kind, outcome, listed.has(id) ? 'yes' : 'NO', why]);
  if (failures.length > 0)
    printTable(['not passed', 'kind', '', 'in the docs', 'what it saw'], failures);
}

function gatesOf(tests) {
  const gates = new Gates();
  const listed = listedFailures();
  const failing = tests.filter(({ kind, outcome }) => kind !== 'check' && outcome === 'failed');
  for (const [kind, limit] of Object.entries(failedMax)) {
    gates.atMost(`${kind} that fail`, failing.filter((test) => test.kind === kind).length, limit);
  }
  gates.atMost('fail, not in the docs', failing.filter(({ id }) => !listed.has(id)).length, 0);
  const passing = tests.filter(({ id, outcome }) => outcome === 'passed' && listed.has(id));
  gates.atMost('in the docs, but pass', passing.length, 0);
  return gates;
}

/** Runs the suite; `base`: against a proxy that is there already, with its origin on `originPort`. */
export async function httpCacheSuite({ base, only, say }) {
  const { suites, answers, runTests, getResults, fetch } = await loadSuite();
  const chosen = suites.map((suite) => ({
    ...suite,
    tests: suite.tests
      .filter(({ id }) => only === undefined || id === only)
      .map((test) => ({ ...test, dump: only !== undefined })),
  }));
  const origin = await startOrigin(answers);
  let gateway = null;
  try {
    if (base === undefined) {
      const start = cutover(benchFolder(), port, adminPort, definitions());
      gateway = await startServer({ ...start, core: null });
    }
    say(`http-cache-tests through ${base ?? 'Cutover'}, about a minute`);
    await runTests(chosen, fetch, false, base ?? `http://127.0.0.1:${port}`);
  } finally {
    await gateway?.stop();
    origin.closeAllConnections();
    origin.close();
  }
  const tests = judge(chosen, getResults());
  print(tests);
  return { tests, gates: only === undefined ? gatesOf(tests) : new Gates() };
}
