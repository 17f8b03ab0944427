// Goal: what runs behind is the control plane and V8's own threads; what answers traffic is not.
// Method: the nice values of a running gateway's threads, as the kernel lists them.
import { readdirSync, readFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { present } from '../../src/base/assert.ts';
import { Gateway } from '../kit/gateway.ts';

/** By thread id: its name and nice value (proc_pid_stat(5), field 19). */
function threadsOf(pid: number): Map<number, { name: string; nice: number }> {
  const folder = `/proc/${pid}/task`;
  const threads = readdirSync(folder).map((id): [number, { name: string; nice: number }] => {
    const stat = readFileSync(`${folder}/${id}/stat`, 'utf8');
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return [Number(id), { name, nice: Number(fields[16]) }];
  });
  return new Map(threads);
}

test.runIf(process.platform === 'linux')('main and workers go first', async () => {
  const gateway = await Gateway.start({
    definitions: { routes: [{ id: 'hello', match: { path: '/' }, respond: { body: 'hello' } }] },
    set: ['workers=2'],
  });
  onTestFinished(() => gateway.kill());
  const pid = present(gateway.process.pid, 'it runs');
  const threads = threadsOf(pid);
  const niceOf = (prefix: string): number[] =>
    [...threads.values()].filter(({ name }) => name.startsWith(prefix)).map(({ nice }) => nice);
  expect(threads.get(pid)?.nice).toBe(0);
  expect(niceOf('worker')).toEqual([0, 0]);
  expect(niceOf('control')).toEqual([10]);
  expect(niceOf('manager')).toEqual([10]);
  // V8's, which have the name of the program: at least its four of the start.
  const unnamed = [...threads].filter(([id, { name }]) => id !== pid && name === 'node');
  expect(unnamed.filter(([, { nice }]) => nice === 10).length).toBeGreaterThanOrEqual(4);
});
