// The costs that grow with what a node holds: routes to compile and match, entries to look up.
import { round } from '../kit/gates.mjs';
import { arenaBench, arenaLines } from './arena.mjs';
import { matcherBench } from './matcher.mjs';

export async function micro({ say }) {
  const { gates, results } = await matcherBench({ say });
  for (const { routes, compileMs, verifyMs, matchNs, bytesPerMatch } of results) {
    process.stdout.write(
      `${routes} routes: compile ${round(compileMs)} ms, verify ${round(verifyMs)} ms, match ${round(matchNs)} ns, ${round(bytesPerMatch)} bytes allocated each\n`,
    );
  }
  const arena = await arenaBench({ say });
  for (const line of arenaLines(arena.results)) process.stdout.write(`${line}\n`);
  gates.add(arena.gates);
  return { gates, results, arena: arena.results };
}
