// profiles/editorial.yaml says what this does and what it must show.
import { nowMs, percentile } from './kit/figures.mjs';
import { Gates, printTable, round } from './kit/gates.mjs';
import { askAll, openProbes } from './kit/probes.mjs';
import { port, startProfile } from './kit/profile.mjs';

const articleCount = 20;
const freshMsMax = 1_000;

/** What names the change of an article; the front page changes with each. */
const ways = [
  { name: 'tag', bust: (id) => ({ tags: [`article-${id}`, 'front'] }) },
  {
    name: 'url',
    bust: (id) => ({ urls: [`http://bench/articles/${id}`, 'http://bench/front'] }),
  },
  { name: 'route', bust: () => ({ routes: ['article', 'front'] }) },
];

export async function editorial({ small, say }) {
  const rounds = small ? 30 : 200;
  const { origin, admin, stop } = await startProfile('editorial', ['workers=2']);
  const probes = await openProbes(port);
  const seen = { rounds, old: 0, fetches: 0, pages: 0, publishToFreshMs: [], callMs: [] };
  try {
    await askAll(probes, '/front');
    for (let id = 0; id < articleCount; id++) await askAll(probes, `/articles/${id}`);
    say(`${rounds} times: publish, bust, look`);
    for (let index = 0; index < rounds; index++) {
      await oneRound({ origin, admin, probes, seen, index });
    }
  } finally {
    for (const probe of probes) probe.close();
    await stop();
  }
  print(seen);
  return { gates: judge(seen), ...seen };
}

async function oneRound({ origin, admin, probes, seen, index }) {
  const id = index % articleCount;
  const way = ways[index % ways.length];
  await origin.reset();
  const publishedMs = nowMs();
  const { version, front } = await origin.publish(String(id));
  const calledMs = nowMs();
  await admin('POST', '/v1/cache/bust', way.bust(id));
  seen.callMs.push(nowMs() - calledMs);
  const got = [
    ...(await askAll(probes, `/articles/${id}`)).map((one) => one - version),
    ...(await askAll(probes, '/front')).map((one) => one - front),
  ];
  seen.publishToFreshMs.push(nowMs() - publishedMs);
  seen.old += got.filter((difference) => difference !== 0).length;
  seen.fetches += await origin.total();
  seen.pages += 2;
}

function judge({ old, fetches, pages, publishToFreshMs }) {
  const gates = new Gates();
  gates.atMost('old or failed answers after the bust call', old, 0);
  gates.atMost('requests at the origin more than pages busted', fetches - pages, 0);
  // Else what was asked for was not stored, and the zeros would say nothing.
  gates.atLeast('requests at the origin, for each page busted', fetches / pages, 1);
  const p99 = percentile(publishToFreshMs, 0.99);
  gates.atMost('publish to fresh on every connection, p99 ms', p99, freshMsMax);
  return gates;
}

function print({ rounds, fetches, pages, old, publishToFreshMs, callMs }) {
  const ms = (values) => [0.5, 0.99, 1].map((share) => round(percentile(values, share))).join(', ');
  printTable(
    ['editorial', ''],
    [
      ['rounds', rounds],
      ['pages busted', pages],
      ['requests at the origin', fetches],
      ['old answers', old],
      ['bust call to its answer, p50, p99, most ms', ms(callMs)],
      ['publish to fresh everywhere, p50, p99, most ms', ms(publishToFreshMs)],
    ],
  );
}
