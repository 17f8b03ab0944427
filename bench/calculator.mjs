// profiles/calculator.yaml says what this does and what it must show.
import { Gates, printTable, round } from './kit/gates.mjs';
import { pace, warmUp } from './kit/pace.mjs';
import { port, startProfile } from './kit/profile.mjs';

const perSecond = 12_000;
const inputCount = 5_000;
const exponent = 1;
const connections = 64;
const perSecondAtOriginMax = 200;
const timesFewer = 60;

export async function calculator({ small, say }) {
  const seconds = small ? 5 : 30;
  const { origin, stop } = await startProfile('calculator');
  try {
    const workload = { name: 'calculator', count: inputCount, exponent };
    say(`asking for each of ${inputCount} inputs once`);
    await warmUp({ port, count: inputCount, workload });
    await origin.reset();
    say(`${perSecond} requests a second for ${seconds} s`);
    const seen = await pace({ port, connections, seconds, rate: perSecond, workload });
    const atOrigin = await origin.total();
    print(seen, atOrigin);
    return { gates: judge(seen, atOrigin), seen, atOrigin };
  } finally {
    await stop();
  }
}

function judge({ answered, wrong, lost, otherStatus, unanswered, seconds }, atOrigin) {
  const gates = new Gates();
  const fewEnough = Math.max(perSecondAtOriginMax * seconds, answered / timesFewer);
  gates.atMost(
    `at the origin: ${perSecondAtOriginMax} a second, or ${timesFewer} times fewer`,
    atOrigin,
    Math.round(fewEnough),
  );
  gates.atMost('answers of another input, or torn', wrong, 0);
  gates.atMost('requests lost, refused or unanswered', lost + otherStatus + unanswered, 0);
  return gates;
}

function print({ answered, perSecond: reached, p50Ms, p99Ms, seconds }, atOrigin) {
  const limit = reached < perSecond * 0.98 ? ': the limit of this machine' : '';
  printTable(
    ['calculator', ''],
    [
      ['requests a second wanted', perSecond],
      [`requests a second answered${limit}`, Math.round(reached)],
      ['requests answered', answered],
      ['requests at the origin', atOrigin],
      ['  a second', round(atOrigin / seconds)],
      ['  times fewer than answered', round(answered / atOrigin)],
      ['p50, p99 ms from when it was due', `${round(p50Ms)}, ${round(p99Ms)}`],
    ],
  );
}
