import type { Command } from 'commander';
import { CutoverError } from '../base/errors.ts';
import { printBytes } from '../base/units.ts';
import type { BustAnswer, CacheExplanation, ListedEntry } from '../model/cache-orders.ts';
import type { CacheReport } from '../telemetry/cache-report.ts';
import { type AdminOptions, adminCommand, callAdmin } from './admin-client.ts';
import { printJson, printLine, printTable } from './output.ts';

interface BustOptions extends AdminOptions {
  readonly tag: string[];
  readonly url: string[];
  readonly key: string[];
  readonly route: string[];
  readonly all?: boolean;
  readonly soft?: boolean;
}

interface ExplainOptions extends AdminOptions {
  readonly method: string;
  readonly header: string[];
  readonly body?: string;
}

export function bustCommand(): Command {
  return adminCommand('bust')
    .description('Make cached responses unusable, in every worker, now.')
    .option('--tag <tag>', 'what has this tag; may be given again', collect, [])
    .option('--url <url>', 'all variants of a URL; may be given again', collect, [])
    .option('--key <key>', 'one entry, by its key; may be given again', collect, [])
    .option('--route <id>', 'all that a route has stored; may be given again', collect, [])
    .option('--all', 'everything')
    .option('--soft', 'mark it stale instead of dropping it')
    .addHelpText(
      'after',
      `
Examples:
  cutover bust --tag sku-7 --tag sku-8
  cutover bust --url http://shop.example/catalog/7
  cutover bust --route catalog --soft`,
    )
    .action(async (options: BustOptions) => {
      const { tag, url, key, route, all = false, soft = false } = options;
      if (!all && tag.length + url.length + key.length + route.length === 0) {
        throw usage('say what to bust: --tag, --url, --key, --route or --all');
      }
      const body = { tags: tag, urls: url, keys: key, routes: route, all, soft };
      const reply = await callAdmin<BustAnswer>(options, 'POST', '/v1/cache/bust', body);
      if (reply.queued) process.exitCode = 1;
      if (options.json === true) {
        printJson(reply);
        return;
      }
      const done = soft ? 'marked stale' : 'dropped';
      printLine(`${reply.entries} entries ${done}, position ${reply.position}`);
      printTable(
        ['node', 'worker', 'dropped ms'],
        reply.nodes.flatMap(({ id, workers }) =>
          workers.map((worker) => [id, worker.id, worker.droppedMs.toFixed(2)]),
        ),
      );
      if (reply.queued) printLine(openOf(reply));
    });
}

/** A bust that the cluster has not confirmed is not done. */
function openOf({ late }: BustAnswer): string {
  return late.length === 0
    ? 'not confirmed: the cluster cannot be reached; it holds on this node, and the others get it later'
    : `not confirmed in time by ${late.join(', ')}, which will get it`;
}

export function cacheCommand(): Command {
  return (
    adminCommand('cache')
      .description('Show what the cache holds and does.')
      // Else it would take the options of its own subcommand.
      .enablePositionalOptions()
      .addHelpText(
        'after',
        '\nExamples:\n  cutover cache\n  cutover cache explain http://shop.example/catalog/7',
      )
      .addCommand(explainCommand().exitOverride())
      .action(async (options: AdminOptions) => {
        const report = await callAdmin<CacheReport>(options, 'GET', '/v1/cache');
        if (options.json === true) printJson(report);
        else printCache(report);
      })
  );
}

function explainCommand(): Command {
  return adminCommand('explain')
    .description('Say what the cache would do with a request now, and why.')
    .argument('<url>', 'http://host/path?query')
    .option('--method <method>', 'its method', 'GET')
    .option('-H, --header <line>', 'a header, as "name: value"; may be given again', collect, [])
    .option('--body <text>', 'the body of a POST whose fields are part of the key')
    .addHelpText(
      'after',
      `
Examples:
  cutover cache explain http://shop.example/catalog/7
  cutover cache explain shop.example/catalog/7 -H "accept-language: de" -H "cookie: ab=1"
  cutover cache explain shop.example/price --method POST --body '{"weight":3}' --json`,
    )
    .action(async (url: string, options: ExplainOptions) => {
      const { method, header, body } = options;
      const request = { url, method, headers: headersOf(header), body: body ?? null };
      const told = await callAdmin<CacheExplanation>(options, 'POST', '/v1/cache/explain', request);
      if (options.json === true) printJson(told);
      else printExplanation(told);
    });
}

function printCache(report: CacheReport): void {
  const { present, presentBytes, memoryBytes, stored, evicted, refused, position } = report;
  printTable(
    ['entries', 'bytes', 'memory', 'stored', 'evicted', 'refused', 'position'],
    [[present, presentBytes, printBytes(memoryBytes), stored, evicted, refused, position]],
  );
  printReasons('evicted', report.evictedBy);
  printReasons('refused', report.refusedBy);
  printLookups(report.routes);
}

function printReasons(what: string, counts: Readonly<Record<string, number>>): void {
  const above = Object.entries(counts).filter(([, count]) => count > 0);
  if (above.length > 0) printTable([what, 'entries'], above);
}

/** A line for each route that was looked up. */
export function printLookups(routes: CacheReport['routes']): void {
  if (routes.length === 0) return;
  printTable(
    ['cached route', 'lookups', 'hits', 'misses', 'hit rate', 'outcomes'],
    routes.map(({ route, lookups, hits, misses, hitRate, outcomes }) => [
      route,
      lookups,
      hits,
      misses,
      hitRate === null ? '' : `${(hitRate * 100).toFixed(1)} %`,
      Object.entries(outcomes)
        .map(([outcome, count]) => `${outcome} ${count}`)
        .join(', '),
    ]),
  );
}

function printExplanation(told: CacheExplanation): void {
  printLine(`${told.verdict}: ${told.detail}`);
  const rows: [string, unknown][] = [
    ['route', told.route],
    ['key', told.key.replaceAll('\n', ' | ')],
    ['varies by', told.vary.join(', ')],
    ['revision', told.revision],
  ];
  const { entry } = told;
  if (entry !== null) {
    rows.push(
      ['stored', `${entry.kind}, status ${entry.status}, ${entry.bodyBytes} bytes, ${entry.state}`],
      ['age', `${entry.age} s`],
      ['fresh for', freshFor(entry)],
      ['validators', [entry.etag, entry.lastModified].filter((one) => one !== '').join(', ')],
      ['tags', entry.tags.join(', ')],
    );
  }
  printTable(
    ['', ''],
    rows.filter(([, value]) => value !== ''),
  );
}

function freshFor({ softStale, ttl }: ListedEntry): string {
  if (softStale) return 'stale by a soft bust';
  return ttl > 0 ? `${ttl} s` : `stale for ${-ttl} s`;
}

/** `name: value` lines as a map; those of one name are joined as lists are. */
function headersOf(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon <= 0) throw usage(`-H ${line} is no header; write -H "name: value"`);
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers[name];
    headers[name] =
      before === undefined ? value : `${before}${name === 'cookie' ? '; ' : ', '}${value}`;
  }
  return headers;
}

function usage(message: string): CutoverError {
  return new CutoverError('usage', message, { source: 'operator' });
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}
