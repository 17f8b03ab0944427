// The costs that grow with what a node holds (routes to compile and match, entries to look up), and
// what a lookup in the cache pays for its key, and a request for a rate limit.
import { round } from '../kit/gates.mjs';
import { arenaBench, arenaLines } from './arena.mjs';
import { cacheKeyBench } from './cache-key.mjs';
import { matcherBench } from './matcher.mjs';
import { rateLimitBench } from './rate-limit.mjs';

export async function micro({ say }) {
  const { gates, results } = await matcherBench({ say });
  for (const { routes, compileMs, verifyMs, matchNs, bytesPerMatch } of results) {
    process.stdout.write(
      `${routes} routes: compile ${round(compileMs)} ms, verify ${round(verifyMs)} ms, match ${round(matchNs)} ns, ${round(bytesPerMatch)} bytes allocated each\n`,
    );
  }
  const keys = await cacheKeyBench({ say });
  for (const { name, ns } of keys.results) {
    process.stdout.write(`cache key, ${name}: ${round(ns)} ns\n`);
  }
  gates.add(keys.gates);
  const limits = await rateLimitBench({ say });
  for (const { callers, passedNs, refusedNs, bytes } of limits.results) {
    process.stdout.write(
      `rate limit, ${callers} callers: ${round(passedNs)} ns, over it ${round(refusedNs)} ns, ${round(bytes)} bytes allocated each\n`,
    );
  }
  gates.add(limits.gates);
  const arena = await arenaBench({ say });
  for (const line of arenaLines(arena.results)) process.stdout.write(`${line}\n`);
  gates.add(arena.gates);
  return { gates, results: [...results, ...keys.results, ...limits.results], arena: arena.results };
}
