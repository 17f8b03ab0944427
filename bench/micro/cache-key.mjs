import { compileShape } from '../../build/control/compiler/compile.js';
import { RequestHeaders } from '../../build/gateway/door.js';
import { Exchange } from '../../build/gateway/exchange.js';
import { decodeRoute } from '../../build/gateway/plan/route-plan.js';
import { ShapeReader } from '../../build/memory/shape.js';
import { parseWritten } from '../../build/model/parse.js';
import { median } from '../kit/figures.mjs';
import { Gates } from '../kit/gates.mjs';

const rounds = 9;
const keysPerRound = 200_000;
const body = Buffer.from('{"origin":"ZRH","weight":12.5,"items":[{"sku":"a-1","count":2}]}');

/** What a route may ask of its keys, from nothing to all of it. */
const cases = {
  plain: { cache: {}, query: 'lang=en&page=2' },
  'query to sort': { cache: {}, query: 'page=2&lang=en&a=1' },
  'query by a deny list': {
    cache: { vary: { query: { deny: ['utm_source'] } } },
    query: 'lang=en&page=2&utm_source=x',
  },
  'header and cookie': { cache: { vary: { headers: ['x-tenant'], cookies: ['ab'] } }, query: '' },
  'language and encoding': {
    cache: { vary: { language: ['en', 'de'], encoding: true } },
    query: '',
  },
  'body of 66 bytes': {
    cache: { methods: ['POST'], body: ['$.origin', '$.weight'] },
    query: '',
    method: 'POST',
  },
};

function planOf(cache) {
  const parsed = parseWritten(
    {
      upstreams: { a: { endpoints: ['http://a'] } },
      routes: [{ id: 'catalog', match: { path: '/**' }, upstream: 'a', cache }],
    },
    'bench',
  );
  if (!parsed.ok) throw new Error(parsed.problems[0].message);
  const bytes = compileShape(parsed.definitions, {
    revision: 1,
    hash: parsed.hash,
    numbering: { route: () => 1, upstream: () => 2 },
    previousShapeKeys: new Map(),
    secret: () => '',
  });
  return decodeRoute(new ShapeReader(bytes).route(0)).cache;
}

/** As they come from different clients: no text is the same object twice in a row. */
function exchangesOf({ query, method = 'GET' }) {
  return Array.from({ length: 256 }, (_, index) => {
    const headers = new RequestHeaders();
    headers.line('host', 'shop.example:8080');
    headers.line('accept', '*/*');
    headers.line('user-agent', 'Mozilla/5.0 (X11; Linux x86_64)');
    headers.line('accept-language', 'de-AT,de;q=0.9,en;q=0.5');
    headers.line('accept-encoding', 'gzip, deflate, br');
    headers.line('x-tenant', `tenant-${index}`);
    headers.line('cookie', `session=${index}; ab=b`);
    const exchange = new Exchange(null, null, {}, 1, headers, 0);
    exchange.method = method;
    exchange.path = `/catalog/products/${index}`;
    exchange.query = query;
    return exchange;
  });
}

/** Nanoseconds for one text, flat, as a lookup reads it. */
function nsPerText(exchanges, textOf) {
  const from = performance.now();
  let sum = 0;
  for (let i = 0; i < keysPerRound; i++) {
    const text = textOf(exchanges[i & 255]);
    sum += text.charCodeAt(text.length - 1);
  }
  if (sum === 0) throw new Error('every exchange has a key');
  return ((performance.now() - from) * 1e6) / keysPerRound;
}

export async function cacheKeyBench({ say }) {
  say('make cache keys');
  const runners = Object.entries(cases).map(([name, one]) => {
    const plan = planOf(one.cache);
    const bytes = one.method === 'POST' ? body : null;
    return {
      name,
      exchanges: exchangesOf(one),
      textOf: (exchange) => plan.keyText(exchange, bytes),
    };
  });
  // What no key can be cheaper than: the same parts put together, and nothing looked at.
  const bare = {
    name: 'bare concatenation',
    exchanges: runners[0].exchanges,
    textOf: ({ headers, path, query }) => `abcdefghijk\nG\n${headers.host}\n${path}\n${query}`,
  };
  const all = [bare, ...runners];
  const runs = all.map(() => []);
  for (const { exchanges, textOf } of all) nsPerText(exchanges, textOf);
  for (let round = 0; round < rounds; round++) {
    for (const [at, { exchanges, textOf }] of all.entries()) {
      runs[at].push(nsPerText(exchanges, textOf));
    }
  }
  const gates = new Gates();
  const ratio = median(runs[1].map((ns, round) => ns / runs[0][round]));
  gates.atMost('plain cache key / bare concatenation', ratio, 3);
  return { gates, results: all.map(({ name }, at) => ({ name, ns: median(runs[at]) })) };
}
