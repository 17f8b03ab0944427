// Goal: what hits say of their age is right, whatever was said before. Method: ages and members that
// share a place of the kept texts, in turn.
import { expect, test } from 'vitest';
import { ageAndStatus } from '../../../../src/gateway/caching/age-line.ts';

test("ages that share a place do not get each other's text", () => {
  for (const age of [0, 256, 0, 512, 1, 257, 2 ** 31, 2 ** 31 + 256, 0]) {
    for (const member of ['cutover; hit; ttl=1', 'cutover; hit; ttl=2', 'cutover; hit; ttl=1']) {
      expect(ageAndStatus(age, member)).toBe(`${age}\r\ncache-status: ${member}`);
    }
  }
});
