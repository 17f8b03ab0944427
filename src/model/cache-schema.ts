import { z } from 'zod';
import {
  cacheBodyPathCountMax,
  cacheMinUsesMax,
  cacheRuleCountMax,
  cacheTagCountMax,
  cacheVaryCountMax,
  routePredicateCountMax,
} from '../base/limits.ts';
import { predicate, text } from './schema-parts.ts';
import { duration, size } from './schema-units.ts';

const fields = z
  .record(z.string(), predicate)
  .refine((one) => Object.keys(one).length <= routePredicateCountMax, 'too many predicates');
const requestFields = {
  headers: fields.default({}),
  query: fields.default({}),
  cookies: fields.default({}),
};
const requestCondition = z.strictObject(requestFields);
const inputCondition = z.strictObject({
  ...requestFields,
  body: fields.default({}).describe('Fields of a JSON body: {"$.mode": fast}.'),
});

/** One condition, or several of which one must hold. */
const conditions = z
  .union([requestCondition, z.array(requestCondition).max(cacheRuleCountMax)])
  .optional();

const names = z.array(text).max(cacheVaryCountMax);

const secret = z.union([
  z.strictObject({ env: text.describe('The name of an environment variable.') }),
  z.strictObject({ file: text.describe('The path of a file on the node.') }),
]);

const vary = z.strictObject({
  headers: names.default([]),
  query: z
    .union([names, z.strictObject({ deny: names })])
    .optional()
    .describe('The parameters that count, or deny: those that do not. Default: all.'),
  cookies: names.default([]),
  consumer: z.boolean().default(false),
  language: names.default([]).describe('The languages that the origin answers in.'),
  encoding: z.boolean().default(false).describe('One variant each for br, gzip and neither.'),
});

export const cacheSchema = z
  .strictObject({
    ttl: z
      .union([
        duration,
        z
          .array(z.strictObject({ when: inputCondition.prefault({}), ttl: duration }))
          .max(cacheRuleCountMax),
      ])
      .optional()
      .describe('Or a list of rules, of which the first that holds wins.'),
    'status-ttl': z
      .record(z.string(), duration)
      .default({})
      .describe('By status or class, over ttl: { 404: 5s, 5xx: 1s }.'),
    override: z
      .enum(['origin', 'ttl', 'none'])
      .default('origin')
      .describe('What the TTL wins over: nothing, the freshness of the origin, all it says.'),
    stale: z
      .strictObject({
        'while-revalidate': duration.optional(),
        'if-error': duration.optional(),
      })
      .prefault({}),
    negative: duration.optional().describe('For 404, 405, 410, 414, 501.'),
    methods: z
      .array(z.enum(['GET', 'HEAD', 'POST']))
      .min(1)
      .default(['GET', 'HEAD']),
    body: z
      .array(text)
      .max(cacheBodyPathCountMax)
      .default([])
      .describe('JSON paths ($.a.b[0]) of what is in the key of a POST.'),
    vary: vary.prefault({}),
    tags: z.array(text).max(cacheTagCountMax).default([]),
    'min-uses': z.int().min(1).max(cacheMinUsesMax).default(1),
    'max-size': size.optional(),
    bypass: conditions.describe('Neither looked up nor stored.'),
    'no-store': conditions.describe('Looked up, not stored.'),
    'request-directives': z.enum(['honour', 'ignore']).default('honour'),
    'set-cookie': z.enum(['refuse', 'strip', 'store']).default('refuse'),
    coalesce: z.enum(['node', 'cluster', 'off']).default('node'),
    strict: z
      .boolean()
      .default(false)
      .describe('In a cluster: nothing stored answers while a bust may have been missed.'),
    'second-level': z
      .enum(['on', 'write', 'off'])
      .default('on')
      .describe('Whether nodes of a cluster read and write what others stored.'),
    wait: duration.default('5s').describe('For the fetch of another exchange.'),
    debug: z.strictObject({ token: secret }).optional(),
  })
  .describe('Absent: never cached. {}: as the origin says.');

export type WrittenCache = z.output<typeof cacheSchema>;
