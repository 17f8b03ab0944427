import { cacheBodyDepthMax } from '../base/limits.ts';
import type { BodyPath } from './cache-definition.ts';

const stepPattern = /\.([A-Za-z_][A-Za-z0-9_-]{0,127})|\[(0|[1-9]\d{0,3})\]/y;

/** Reads `$.a.b[0]`. A text instead: what is wrong with it. */
export function parseBodyPath(text: string): BodyPath | string {
  if (!text.startsWith('$')) return 'must begin with $';
  const steps: (string | number)[] = [];
  let at = 1;
  while (at < text.length) {
    stepPattern.lastIndex = at;
    const found = stepPattern.exec(text);
    if (found === null) return `cannot be read from ${text.slice(at, at + 20)} on`;
    steps.push(found[1] ?? Number(found[2]));
    at = stepPattern.lastIndex;
  }
  if (steps.length > cacheBodyDepthMax) {
    return `has more than ${cacheBodyDepthMax} steps (cacheBodyDepthMax)`;
  }
  return { text, steps };
}
