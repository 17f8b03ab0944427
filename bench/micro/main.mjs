// The costs that grow with the number of routes: compiling, verifying, matching.
import { round } from '../kit/gates.mjs';
import { matcherBench } from './matcher.mjs';

export async function micro({ say }) {
  const { gates, results } = await matcherBench({ say });
  for (const { routes, compileMs, verifyMs, matchNs, bytesPerMatch } of results) {
    process.stdout.write(
      `${routes} routes: compile ${round(compileMs)} ms, verify ${round(verifyMs)} ms, match ${round(matchNs)} ns, ${round(bytesPerMatch)} bytes allocated each\n`,
    );
  }
  return { gates, results };
}
