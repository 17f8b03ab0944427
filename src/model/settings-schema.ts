import { z } from 'zod';
import { headBytesMax, workerCountMax } from '../base/limits.ts';
import { parseDurationMs, parsePercent, parseSizeBytes } from '../base/units.ts';
import type { Problems } from './problem.ts';
import { resolveCacheSettings } from './resolve-cache-settings.ts';
import { resolveClusterSettings } from './resolve-cluster-settings.ts';
import { resolveDurationMs, resolveSizeBytes } from './resolve-units.ts';
import { looseText } from './schema-units.ts';
import type { AccessLog, Settings } from './settings.ts';

/** What the machine says where nobody else does. */
export interface SettingsDefaults {
  readonly hostname: string;
  readonly workers: number;
}

const port = z.int().min(0).max(65_535);

/** Settings as they are written. Unknown fields are errors. */
export function settingsSchema({ hostname, workers }: SettingsDefaults) {
  return z.strictObject({
    node: z
      .strictObject({
        id: z.string().min(1).default(hostname),
        region: z.string().default('local'),
      })
      .prefault({}),
    listen: z
      .strictObject({ host: z.string().min(1).default('127.0.0.1'), port: port.default(8080) })
      .prefault({}),
    admin: z
      .strictObject({ host: z.string().min(1).default('127.0.0.1'), port: port.default(9080) })
      .prefault({}),
    workers: z.int().min(1).max(workerCountMax).default(workers),
    data: z.string().min(1).default('./data'),
    cache: z
      .strictObject({
        memory: z.union([looseText('size'), z.literal(0), z.literal(false)]).default('256MiB'),
        snapshot: z.boolean().default(true),
        entry: looseText('size').optional(),
      })
      .prefault({}),
    cluster: z
      .strictObject({
        kind: z.enum(['memory', 'hazelcast']).default('memory'),
        name: z
          .string()
          .regex(/^[\w.-]{1,128}$/, 'letters, digits, dot, dash and underscore, 128 at most')
          .default('cutover'),
        members: z.array(z.string()).default([]),
        key: z
          .strictObject({ env: z.string().optional(), file: z.string().optional() })
          .prefault({}),
      })
      .prefault({}),
    warm: z
      .strictObject({
        budget: z.string().default('2s'),
        bytes: z.string().default('64MiB'),
      })
      .prefault({}),
    log: z
      .strictObject({
        level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
        access: z.union([z.string(), z.literal(false)]).default('off'),
      })
      .prefault({}),
    forwarded: z
      .strictObject({
        style: z.enum(['x-forwarded', 'forwarded', 'both', 'off']).default('x-forwarded'),
        trust: z.array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()])).default([]),
        via: z
          .string()
          .regex(/^[!-~]*$/, 'visible ASCII without spaces only')
          .default('cutover'),
      })
      .prefault({}),
    drain: z.strictObject({ timeout: looseText('duration').default('30s') }).prefault({}),
    limits: z
      .strictObject({
        body: looseText('size').default('none'),
        header: looseText('size').default('16KiB'),
      })
      .prefault({}),
  });
}

export type WrittenSettings = z.output<ReturnType<typeof settingsSchema>>;

/** None at all is one: a node that does not warm up. */
function budgetMs(text: string, problems: Problems): number {
  const ms = parseDurationMs(text);
  if (ms === null) {
    problems.add('bad-value', ['warm', 'budget'], `${text} is not a duration`, 'write 2s, or 0s');
  }
  return ms ?? 0;
}

/** Units parsed and what belongs together checked. */
export function resolveWrittenSettings(written: WrittenSettings, problems: Problems): Settings {
  const {
    node,
    listen,
    admin,
    workers,
    data,
    log,
    forwarded,
    drain,
    limits,
    cache,
    cluster,
    warm,
  } = written;
  if (!isLoopback(admin.host)) {
    problems.add(
      'bad-value',
      ['admin', 'host'],
      `the admin interface has no TLS yet and does not listen on ${admin.host}`,
      'use 127.0.0.1, and a tunnel or a TLS terminator to reach it',
    );
  }
  return {
    node,
    listen,
    admin,
    workers,
    data: data === 'none' ? null : data,
    cache: resolveCacheSettings(cache, problems),
    cluster: resolveClusterSettings(cluster, problems),
    warm: {
      budgetMs: budgetMs(warm.budget, problems),
      bytesMax: resolveSizeBytes(warm.bytes, ['warm', 'bytes'], problems),
    },
    log: { level: log.level, access: accessLog(String(log.access), problems) },
    forwarded,
    drain: { timeoutMs: resolveDurationMs(drain.timeout, ['drain', 'timeout'], problems) },
    limits: {
      bodyBytes:
        limits.body === 'none' ? null : resolveSizeBytes(limits.body, ['limits', 'body'], problems),
      headerBytes: headerBytes(limits.header, problems),
    },
  };
}

function headerBytes(text: string, problems: Problems): number {
  const bytes = resolveSizeBytes(text, ['limits', 'header'], problems);
  if (parseSizeBytes(text) === 0) {
    problems.add('bad-value', ['limits', 'header'], 'must be more than zero');
  } else if (bytes > headBytesMax) {
    problems.add('limit', ['limits', 'header'], 'is over the limit of 256KiB (headBytesMax)');
  }
  return bytes;
}

function accessLog(text: string, problems: Problems): AccessLog {
  if (text === 'off' || text === 'false') return { kind: 'off' };
  if (text === 'errors' || text === 'all') return { kind: text };
  const percent = parsePercent(/^sample (.*)$/.exec(text)?.[1] ?? '');
  if (percent !== null) return { kind: 'sample', percent };
  const hint = 'off, errors, sample 1%, or all';
  problems.add('bad-value', ['log', 'access'], `${text} is not an access log`, hint);
  return { kind: 'off' };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
