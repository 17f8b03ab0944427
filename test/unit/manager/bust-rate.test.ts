// Goal: more busts than the limit of a second are told to wait, and are not done. Method: the admin
// interface with a control in hand, and a clock that stands still.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { bustsPerSecondMax } from '../../../src/base/limits.ts';
import type { AdminParts } from '../../../src/manager/admin/parts.ts';
import { buildAdmin } from '../../../src/manager/admin/server.ts';
import type { Bust } from '../../../src/model/bust.ts';

let nowMs = 0;

beforeEach(() => {
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
});

afterEach(() => {
  vi.restoreAllMocks();
});

test('a quiet second allows 1,000 at once, then one more for each millisecond', async () => {
  const done: Bust[] = [];
  const app = buildAdmin({
    nodeId: 'node-a',
    token: { admits: () => true },
    control: {
      bust: async (bust: Bust) => {
        done.push(bust);
        return { position: done.length, entries: 0, workers: [], droppedMs: 0 };
      },
    },
    announce: () => {},
  } as unknown as AdminParts);
  const bust = async () => {
    const payload = JSON.stringify({ tags: ['a'] });
    return app.inject({ method: 'POST', url: '/v1/cache/bust', payload });
  };
  for (let i = 0; i < bustsPerSecondMax; i++) expect((await bust()).statusCode).toBe(200);
  const refused = await bust();
  expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '1']);
  expect(refused.json()).toMatchObject({ code: 'bust-rate', status: 429 });
  expect(done.length).toBe(bustsPerSecondMax);
  nowMs += 2;
  const statuses = [await bust(), await bust(), await bust()].map((one) => one.statusCode);
  expect(statuses).toEqual([200, 200, 429]);
});
