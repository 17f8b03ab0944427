/** One metric of an exposition, as a strict reader of Prometheus text 0.0.4 has it. */
export interface ReadMetric {
  readonly type: string;
  readonly help: string;
  readonly samples: ReadSample[];
}

export interface ReadSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const labelText = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/y;
const escapes: Readonly<Record<string, string>> = { '\\\\': '\\', '\\"': '"', '\\n': '\n' };

/** Reads it all or throws what is wrong. */
export function readExposition(text: string): Map<string, ReadMetric> {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no end');
  const metrics = new Map<string, ReadMetric>();
  const seen = new Set<string>();
  let current: { name: string; metric: ReadMetric } | null = null;
  const lines = text.split('\n').slice(0, -1);
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] as string;
    if (line.startsWith('# HELP ')) {
      current = readHeader(line, lines[at + 1] ?? '');
      if (metrics.has(current.name)) throw new Error(`${current.name} comes twice`);
      metrics.set(current.name, current.metric);
      at += 1;
      continue;
    }
    const sample = readSample(line);
    if (current === null || !belongs(sample.name, current.name, current.metric.type)) {
      throw new Error(`${sample.name} stands outside of its metric`);
    }
    const key = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
    if (seen.has(key)) throw new Error(`${line} comes twice`);
    seen.add(key);
    current.metric.samples.push(sample);
  }
  return metrics;
}

function readHeader(helpLine: string, typeLine: string): { name: string; metric: ReadMetric } {
  const [, name = '', help = ''] = /^# HELP (\S+) (.+)$/.exec(helpLine) ?? [];
  const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(typeLine);
  if (!metricName.test(name)) throw new Error(`no metric name in ${helpLine}`);
  if (type?.[1] !== name) throw new Error(`${typeLine} does not follow the help of ${name}`);
  return { name, metric: { type: type[2] as string, help, samples: [] } };
}

function belongs(sample: string, metric: string, type: string): boolean {
  if (type !== 'histogram') return sample === metric;
  return [`${metric}_bucket`, `${metric}_sum`, `${metric}_count`].includes(sample);
}

function readSample(line: string): ReadSample {
  const found = sampleLine.exec(line);
  if (found === null) throw new Error(`not a sample: ${line}`);
  const value = Number(found[3]);
  if (!Number.isFinite(value)) throw new Error(`not a value: ${line}`);
  return { name: found[1] as string, labels: readLabels(found[2]), value };
}

function readLabels(text: string | undefined): Record<string, string> {
  const labels: Record<string, string> = {};
  if (text === undefined) return labels;
  labelText.lastIndex = 0;
  let last = 0;
  while (last < text.length) {
    const found = labelText.exec(text);
    if (found === null) throw new Error(`bad labels: ${text}`);
    const name = found[1] as string;
    if (name in labels) throw new Error(`label ${name} comes twice`);
    labels[name] = (found[2] as string).replace(/\\[\\"n]/g, (one) => escapes[one] as string);
    last = labelText.lastIndex;
    if (found[3] === ',' && last === text.length) throw new Error(`a comma at the end: ${text}`);
  }
  return labels;
}
