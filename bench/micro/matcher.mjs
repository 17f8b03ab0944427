import { compileShape } from '../../build/control/compiler/compile.js';
import { verifyShape } from '../../build/control/compiler/verify.js';
import { Matcher, SegmentScratch } from '../../build/memory/matcher.js';
import { parseWritten } from '../../build/model/parse.js';
import { median } from '../kit/figures.mjs';
import { Gates } from '../kit/gates.mjs';

const sizes = [10, 10_000];
const rounds = 7;
const matchesPerRound = 400_000;
const judge = { predicatesHold: () => true, otherMethodListed: () => false };

function written(count) {
  return {
    routes: Array.from({ length: count }, (_, index) => ({
      id: `route-${index}`,
      match: {
        ...(index % 3 === 0 ? {} : { hosts: ['shop.example', '*.shop.example'] }),
        methods: ['GET'],
        path: `/api/service-${index}/{id}${index % 5 === 0 ? '/**' : ''}`,
      },
      respond: { body: 'x'.repeat(100) },
      policies: [{ headers: { response: { set: { 'x-a': 'v' } } } }],
    })),
  };
}

/** A compiled table with paths that reach its routes, in an order that no cache foresees. */
function table(count) {
  const parsed = parseWritten(written(count), 'bench');
  if (!parsed.ok) throw new Error(parsed.problems[0].message);
  let number = 0;
  const numbering = {
    route: () => {
      number += 1;
      return number;
    },
    upstream: () => 1,
  };
  const compileFrom = performance.now();
  const bytes = compileShape(parsed.definitions, {
    revision: 1,
    hash: parsed.hash,
    numbering,
    previousShapeKeys: new Map(),
    secret: () => '',
  });
  const verifyFrom = performance.now();
  const shape = verifyShape(bytes);
  const verifyMs = performance.now() - verifyFrom;
  const matcher = new Matcher(shape.matcher, new SegmentScratch(), judge);
  const paths = Array.from({ length: 1024 }, (_, i) => `/api/service-${(i * 7919) % count}/abc`);
  return { matcher, paths, compileMs: verifyFrom - compileFrom, verifyMs };
}

function matchNs({ matcher, paths }) {
  const from = performance.now();
  let found = 0;
  for (let i = 0; i < matchesPerRound; i++) {
    if (matcher.match('www.shop.example', 1, paths[i & 1023]) >= 0) found += 1;
  }
  if (found !== matchesPerRound) throw new Error('every path has a route');
  return ((performance.now() - from) * 1e6) / matchesPerRound;
}

export async function matcherBench({ say }) {
  say('compile and match 10 and 10,000 routes');
  const tables = sizes.map(table);
  // Once more, since the first compile pays for the compiler's own warming up.
  const again = sizes.map(table);
  for (const one of tables) matchNs(one);
  const runs = sizes.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [at, one] of tables.entries()) runs[at].push(matchNs(one));
  }
  const results = sizes.map((routes, at) => {
    const before = process.memoryUsage().heapUsed;
    matchNs(tables[at]);
    return {
      routes,
      compileMs: again[at].compileMs,
      verifyMs: again[at].verifyMs,
      matchNs: median(runs[at]),
      bytesPerMatch: Math.max(0, process.memoryUsage().heapUsed - before) / matchesPerRound,
    };
  });
  const gates = new Gates();
  gates.atMost('10,000 routes compile, ms', results[1].compileMs, 1000);
  const ratio = median(runs[1].map((ns, index) => ns / runs[0][index]));
  gates.atMost('match among 10,000 / among 10', ratio, 1.5);
  gates.atMost('bytes allocated by a match', results[1].bytesPerMatch, 0.5);
  return { gates, results };
}
