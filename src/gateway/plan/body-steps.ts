import type { BodyPathT } from '#generated/cutover.js';
import { textOf } from './template.ts';

/** A way into a JSON value: names of members and indexes of items. */
export function decodeSteps({ steps }: BodyPathT): readonly (string | number)[] {
  return steps.map(({ name, index }) => (name === null ? index : textOf(name)));
}
