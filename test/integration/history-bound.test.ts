// Goal: the history is bounded, on disk and in memory, and what it forgot is not made up.
// Method: more applies than are kept, on one gateway; then the list, the files and the reports.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Gateway, until } from '../kit/gateway.ts';

const keptCount = 200;
const applyCount = keptCount + 5;
let gateway: Gateway;

beforeAll(async () => {
  gateway = await Gateway.start({ set: ['workers=1'] });
  for (let i = 1; i <= applyCount; i++) {
    await gateway.apply({
      routes: [{ id: 'say', match: { path: '/say' }, respond: { body: `${i}` } }],
    });
  }
}, 60_000);

afterAll(async () => {
  await gateway.stop();
});

test('the newest are kept, in the list and on disk', async () => {
  const { body } = await gateway.admin('GET', '/v1/revisions?limit=1000');
  const numbers = body.revisions.map(({ revision }: { revision: number }) => revision);
  const expected = Array.from({ length: keptCount }, (_, i) => applyCount - i);
  expect(numbers).toEqual(expected);
  const files = () => readdirSync(join(gateway.dataFolder, 'revisions')).sort().reverse();
  // That the last one is acknowledged is written after it was answered.
  await until('nothing is being written', () => !files().some((name) => name.endsWith('.tmp')));
  expect(files()).toEqual(expected.map((n) => `${String(n).padStart(6, '0')}.json`));
});

test('one that is forgotten is unknown', async () => {
  const oldest = applyCount - keptCount;
  const answers = [
    await gateway.admin('GET', `/v1/revisions/${oldest}`),
    await gateway.admin('POST', `/v1/revisions/${oldest}/rollback`),
  ];
  expect(answers.map(({ status }) => status)).toEqual([404, 404]);
});

test('the report of the oldest does not call all of it new', async () => {
  const oldest = applyCount - keptCount + 1;
  const { body } = await gateway.admin('GET', `/v1/revisions/${oldest}/report`);
  expect(body.diff?.routes.added ?? []).toEqual([]);
});

test('the oldest that is kept can be gone back to', async () => {
  const oldest = applyCount - keptCount + 1;
  const { status, body } = await gateway.admin('POST', `/v1/revisions/${oldest}/rollback`);
  expect([status, body.outcome, body.revision]).toEqual([200, 'applied', applyCount + 1]);
});
