/** The value below which `share` (0 to 1) of the values lie. */
export function percentile(values, share) {
  if (values.length === 0) return Number.NaN;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

export function median(values) {
  return percentile(values, 0.5);
}

/** The system's monotonic clock in milliseconds: the same in every process of a bench. */
export function nowMs() {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}
