import { readFileSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import { Command } from 'commander';
import { CutoverError, messageOf } from '../base/errors.ts';
import { readSecret } from '../base/secret-text.ts';
import { resolveSettings } from '../model/resolve-settings.ts';
import { printReference } from '../model/secret.ts';
import type { Settings } from '../model/settings.ts';
import { keepBackgroundWorkBehind } from '../runtime/background-work.ts';
import { keepLoopsEndable } from '../runtime/endable-threads.ts';
import { printLine, whenOutputCloses } from './output.ts';

interface ServeOptions {
  readonly settings?: string;
  readonly definitions?: string;
  readonly set: string[];
}

export function serveCommand(): Command {
  return new Command('serve')
    .description(
      'Run a gateway node until SIGTERM or SIGINT, which drain it; a later one ends it at once.',
    )
    .option('--settings <file>', 'settings, which need a restart to change: YAML or JSON')
    .option('--definitions <path>', 'definitions to begin with: a file, or a folder of files')
    .option('--set <path=value>', 'one setting, as in --set listen.port=8081', collect, [])
    .addHelpText(
      'after',
      `
Settings come from defaults, then the file, then the environment (CUTOVER_LISTEN_PORT), then --set.
When it serves, one line on standard output says where: {"event":"ready",...}. Logs go to standard error.

Examples:
  cutover serve --definitions gateway.yaml
  cutover serve --settings node-a.yaml --set listen.port=0 --set data=none`,
    )
    .action(async (options: ServeOptions) => {
      const settings = readSettings(options);
      // Who has read where it serves may go; the gateway stays.
      whenOutputCloses(() => {});
      // Read by uWebSockets.js when it is loaded.
      process.env['UWS_HTTP_MAX_HEADERS_SIZE'] = String(settings.limits.headerBytes);
      const { GatewayNode } = await import('../runtime/node.ts');
      keepLoopsEndable();
      keepBackgroundWorkBehind();
      const node = new GatewayNode({
        settings,
        definitionsPath: options.definitions ?? null,
        environment: { ...process.env },
        clusterKey: readClusterKey(settings),
        print: printLine,
      });
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        process.on(signal, () => void node.stop(signal));
      }
      process.exit(await node.finished);
    });
}

function readSettings(options: ServeOptions) {
  const resolved = resolveSettings({
    file: options.settings === undefined ? null : readFile(options.settings),
    environment: process.env,
    sets: options.set,
    defaults: { hostname: hostname(), workers: Math.max(1, availableParallelism() - 1) },
  });
  if (resolved.ok) return resolved.settings;
  throw new CutoverError('usage', 'the settings have problems; nothing was started:', {
    source: 'operator',
    context: { problems: resolved.problems },
  });
}

/** Null: the settings name none. */
function readClusterKey({ cluster }: Settings): string | null {
  if (cluster.kind === 'memory' || cluster.key === null) return null;
  const secret = readSecret(cluster.key, process.env);
  if (typeof secret === 'string') return secret;
  const message = `cluster.key: ${printReference(cluster.key)} ${secret.problem}; nothing was started`;
  throw new CutoverError('secret-missing', message, { source: 'operator' });
}

function readFile(file: string): { file: string; text: string } {
  try {
    return { file, text: readFileSync(file, 'utf8') };
  } catch (error) {
    throw new CutoverError('usage', `${file} cannot be read: ${messageOf(error)}`, {
      source: 'operator',
    });
  }
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}
