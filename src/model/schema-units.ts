import { z } from 'zod';
import { durationPattern, percentPattern, sizePattern } from '../base/units.ts';

/** What a text with a unit says, for hints: people often write the number alone. */
export type Unit = 'duration' | 'share' | 'size';

interface Kind {
  readonly pattern: RegExp;
  readonly name: string;
  readonly examples: string;
  /** The unit that a bare number most likely has. */
  readonly unitOf: (written: number) => string;
}

const kinds: Readonly<Record<Unit, Kind>> = {
  duration: {
    pattern: durationPattern,
    name: 'a duration',
    examples: '250ms, 1s, 2m',
    unitOf: (written) => (written >= 1000 ? 'ms' : 's'),
  },
  share: { pattern: percentPattern, name: 'a share', examples: '20%, 0.5%', unitOf: () => '%' },
  size: {
    pattern: sizePattern,
    name: 'a size',
    examples: '64KiB, 10MiB',
    unitOf: (written) => (written >= 1024 ? 'B' : 'MiB'),
  },
};

const units = z.registry<{ readonly unit: Unit }>();

function withUnit(unit: Unit) {
  const { pattern, name, examples } = kinds[unit];
  return z.string().regex(pattern, `must be ${name} such as ${examples}`).register(units, { unit });
}

export const duration = withUnit('duration');
export const size = withUnit('size');
export const share = withUnit('share');

/** A text that may be a word as well, such as `none`; what it means is checked when it is resolved. */
export const looseText = (unit: Unit) => z.string().register(units, { unit });

/** The unit that one of the schemas of a place wants; null: none does. */
export function unitAmong(schemas: readonly unknown[]): Unit | null {
  for (const schema of schemas) {
    const found = schema instanceof z.ZodString ? units.get(schema) : undefined;
    if (found !== undefined) return found.unit;
  }
  return null;
}

export function nameOfUnit(unit: Unit): string {
  const { name, examples } = kinds[unit];
  return `${name} such as ${examples.split(', ')[0]}`;
}

/** `write 60s` for a bare 60; null: what is meant is not to be guessed. */
export function unitHint(unit: Unit, written: unknown): string | null {
  const { pattern, unitOf } = kinds[unit];
  const guess = `${String(written).trim()}${unitOf(Number(written))}`;
  return pattern.test(guess) ? `write ${guess}` : null;
}
