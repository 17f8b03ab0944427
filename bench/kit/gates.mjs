import Table from 'cli-table3';

/** What a bench must show. Each gate is a ratio or a count; one that fails fails the run. */
export class Gates {
  #gates = [];

  /** `value` must be at least `limit`. */
  atLeast(name, value, limit) {
    this.#add(name, value, `>= ${limit}`, value >= limit);
  }

  atMost(name, value, limit) {
    this.#add(name, value, `<= ${limit}`, value <= limit);
  }

  /** For what could not be measured here: neither passed nor failed, and said. */
  leftOut(name, why) {
    this.#gates.push({ name, value: null, limit: why, passed: null });
  }

  /** Those of another bench too. */
  add(others) {
    this.#gates.push(...others.list);
  }

  get list() {
    return this.#gates;
  }

  get counts() {
    return {
      passed: this.#gates.filter(({ passed }) => passed === true).length,
      failed: this.#gates.filter(({ passed }) => passed === false).length,
    };
  }

  print() {
    const rows = this.#gates.map(({ name, value, limit, passed }) => [
      name,
      value === null ? '-' : round(value),
      limit,
      passed === null ? 'left out' : passed ? 'ok' : 'FAILED',
    ]);
    printTable(['gate', 'measured', 'wanted', ''], rows);
  }

  #add(name, value, limit, passed) {
    this.#gates.push({ name, value, limit, passed: passed && !Number.isNaN(value) });
  }
}

export function printTable(head, rows) {
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const row of rows) table.push(row.map(String));
  process.stdout.write(`${table.toString()}\n`);
}

/** Three digits that matter. */
export function round(value) {
  if (!Number.isFinite(value)) return '-';
  return Math.abs(value) >= 100 ? String(Math.round(value)) : value.toPrecision(3);
}
