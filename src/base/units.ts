/** Durations, sizes and shares as people write them. Each parser returns null for anything else. */

const durationMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const sizeBytes: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  KB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
};

export const durationPattern = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/;
export const sizePattern = /^(\d{1,9}(?:\.\d{1,3})?)(B|KiB|MiB|GiB|KB|MB|GB)$/;
export const percentPattern = /^(\d{1,3}(?:\.\d{1,2})?)%$/;

/** `250ms`, `1.5s`, `2m`, `1h`: milliseconds. */
export function parseDurationMs(text: string): number | null {
  return withUnit(durationPattern, durationMs, text);
}

/** `512B`, `64KiB`, `1.5GiB`, `10MB`: bytes. */
export function parseSizeBytes(text: string): number | null {
  return withUnit(sizePattern, sizeBytes, text);
}

/** `20%`, `0.5%`: percent, 0 to 100. */
export function parsePercent(text: string): number | null {
  const found = percentPattern.exec(text);
  const percent = found === null ? Number.NaN : Number(found[1]);
  return percent <= 100 ? percent : null;
}

function withUnit(
  pattern: RegExp,
  units: Readonly<Record<string, number>>,
  text: string,
): number | null {
  const found = pattern.exec(text);
  if (found === null) return null;
  return Math.round(Number(found[1]) * (units[found[2] as string] as number));
}

/** Bytes for people: `1.5 MiB`. */
export function printBytes(bytes: number): string {
  const steps = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let step = 0;
  // What would be rounded up to 1024.0 goes on to the next unit.
  while (value >= (step === 0 ? 1024 : 1023.95) && step < steps.length - 1) {
    value /= 1024;
    step += 1;
  }
  return `${step === 0 ? value : value.toFixed(1)} ${steps[step]}`;
}
