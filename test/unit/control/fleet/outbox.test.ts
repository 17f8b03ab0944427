// Goal: a bust that was queued is there after a crash, until the cluster has taken it; and the queue
// is bounded without losing one. Method: an outbox over a real file, opened again and again.
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { outboxCountMax } from '../../../../src/base/limits.ts';
import { Outbox } from '../../../../src/control/fleet/outbox.ts';
import { noBust } from '../../../../src/model/bust.ts';
import { testFolder } from '../../../kit/folder.ts';

const one = (tag: string) => ({ id: `id-${tag}`, bust: { ...noBust, tags: [tag] } });

test('what was put is there when it is opened again, in order', async () => {
  const file = join(testFolder(), 'outbox');
  const outbox = await Outbox.open(file);
  expect(outbox.size).toBe(0);
  for (const tag of ['a', 'b', 'c']) await outbox.put(one(tag));
  expect((await Outbox.open(file)).queued).toEqual(['a', 'b', 'c'].map(one));
});

test('what the cluster has taken is gone, and what came meanwhile stays', async () => {
  const file = join(testFolder(), 'outbox');
  const outbox = await Outbox.open(file);
  await outbox.put(one('a'));
  await Promise.all([outbox.taken(new Set(['id-a'])), outbox.put(one('b'))]);
  expect((await Outbox.open(file)).queued).toEqual([one('b')]);
});

test('a line that a crash cut short is left out, and the whole ones are not', async () => {
  const file = join(testFolder(), 'outbox');
  await (await Outbox.open(file)).put(one('a'));
  appendFileSync(file, '{"id":"id-b","bust":{"ta');
  const outbox = await Outbox.open(file);
  expect(outbox.queued).toEqual([one('a')]);
  await outbox.taken(new Set(['id-a']));
  expect(readFileSync(file, 'utf8')).toBe('');
});

test('what could not be written is written with what comes next', async () => {
  const folder = join(testFolder(), 'not-there-yet');
  const file = join(folder, 'outbox');
  const outbox = await Outbox.open(file);
  await expect(outbox.put(one('a'))).rejects.toThrow('ENOENT');
  mkdirSync(folder);
  await outbox.put(one('b'));
  expect((await Outbox.open(file)).queued).toEqual(['a', 'b'].map(one));
});

test('more than the limit become one that busts all', async () => {
  const outbox = await Outbox.open(null);
  for (let count = 0; count <= outboxCountMax; count += 1) await outbox.put(one(`${count}`));
  expect(outbox.size).toBe(1);
  expect(outbox.queued[0]?.bust.all).toBe(true);
  await outbox.put(one('after'));
  expect(outbox.size).toBe(2);
});
