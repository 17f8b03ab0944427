import { z } from 'zod';
import {
  endpointCountMax,
  endpointWeightMax,
  headerChangeCountMax,
  nameLengthMax,
  rateLimitMax,
  respondBodyBytesMax,
  routeHostCountMax,
  routePolicyCountMax,
  routePredicateCountMax,
} from '../base/limits.ts';
import { cacheSchema } from './cache-schema.ts';
import { bounded, predicate, text } from './schema-parts.ts';
import { duration, share } from './schema-units.ts';

/**
 * What a person writes, as zod schemas: the shape alone. What a text means (paths, templates,
 * hosts, units) is checked when it is resolved. The JSON Schema for editors is made from these.
 */
const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'letters, digits, dot, dash and underscore only')
  .max(nameLengthMax);
const weight = z.int().min(1).max(endpointWeightMax);

const endpoint = z.union([
  text.describe('http://host:port'),
  z.strictObject({ url: text.describe('http://host:port'), weight: weight.default(1) }),
]);

export const upstreamSchema = z
  .strictObject({
    endpoints: z.array(endpoint).min(1).max(endpointCountMax),
    balance: z.enum(['round-robin', 'least-requests', 'hash']).default('round-robin'),
    hash: z
      .string()
      .regex(
        /^(ip|(header|cookie) [!#$%&'*+.^_`|~0-9A-Za-z-]+)$/,
        'ip, `header NAME` or `cookie NAME`',
      )
      .optional()
      .describe('What consistent hashing goes by; with balance: hash.'),
    connections: z.int().min(1).max(65_535).default(64).describe('Per endpoint and worker.'),
    timeout: z
      .strictObject({
        connect: duration.default('1s'),
        headers: duration.default('30s').describe('From the request to the head of the response.'),
        idle: duration.default('30s').describe('Between two chunks of a body.'),
      })
      .prefault({}),
    retry: z
      .strictObject({
        attempts: z.int().min(1).max(10).default(2).describe('In all; 1: never again.'),
        on: z
          .array(
            z.union([
              z.enum(['connect', 'reset', 'timeout']),
              z.literal(502),
              z.literal(503),
              z.literal(504),
            ]),
          )
          .default(['connect', 'reset']),
        budget: share.default('20%'),
      })
      .prefault({}),
    health: z
      .strictObject({
        path: text.refine((path) => path.startsWith('/'), 'must begin with a slash'),
        interval: duration.default('2s'),
        timeout: duration.default('1s'),
        unhealthy: z.int().min(1).max(100).default(3),
        healthy: z.int().min(1).max(100).default(2),
      })
      .optional(),
    breaker: z
      .strictObject({
        failures: share.default('50%'),
        of: z.int().min(1).max(1000).default(20),
        open: duration.default('5s'),
      })
      .optional(),
    host: text.default('preserve').describe('preserve, endpoint, or a fixed name.'),
  })
  .describe('A backend service.');

const headerFields = z
  .record(z.string(), text)
  .refine((fields) => Object.keys(fields).length <= headerChangeCountMax, 'too many headers');

const headerChanges = z.strictObject({
  set: headerFields.default({}),
  add: headerFields.default({}),
  remove: z.array(text).max(headerChangeCountMax).default([]),
});

const predicates = z
  .record(z.string(), predicate)
  .refine((fields) => Object.keys(fields).length <= routePredicateCountMax, 'too many predicates');

const rateLimit = z.strictObject({
  limit: z.int().min(1).max(rateLimitMax).describe('Requests of one caller in a window.'),
  window: duration.describe('From 100ms to 1h.'),
  by: z
    .string()
    .regex(
      /^(ip|route|consumer|(header|cookie) [!#$%&'*+.^_`|~0-9A-Za-z-]+)$/,
      'must be ip, `header NAME`, `cookie NAME` or route',
    )
    .describe('What tells callers apart; route: all of them together.'),
  id: name.optional().describe('Identity: counts are carried over by it.'),
});

export const routeSchema = z
  .strictObject({
    id: name.describe('Identity: state is carried over by it.'),
    match: z.strictObject({
      hosts: z.array(text).max(routeHostCountMax).default([]),
      methods: z.array(text).max(32).default([]),
      path: text.describe('Literals, {name} for one segment, a final ** for any rest.'),
      headers: predicates.default({}),
      query: predicates.default({}),
    }),
    upstream: z
      .union([name, z.array(z.strictObject({ name, weight })).min(1).max(endpointCountMax)])
      .optional(),
    respond: z
      .strictObject({
        status: z.int().min(200).max(599).default(200),
        headers: headerFields.default({}),
        body: bounded(respondBodyBytesMax, 'respondBodyBytesMax').default(''),
      })
      .optional(),
    redirect: z
      .strictObject({
        to: text,
        status: z
          .union([z.literal(301), z.literal(302), z.literal(303), z.literal(307), z.literal(308)])
          .default(308),
      })
      .optional(),
    rewrite: z.strictObject({ path: text }).optional(),
    policies: z
      .array(
        z.strictObject({
          headers: z
            .strictObject({
              request: headerChanges.prefault({}),
              response: headerChanges.prefault({}),
            })
            .optional(),
          'rate-limit': rateLimit.optional(),
        }),
      )
      .max(routePolicyCountMax)
      .default([]),
    cache: cacheSchema.optional(),
  })
  .describe('Which requests, and what becomes of them.');

export const definitionsSchema = z
  .strictObject({
    $schema: z.string().optional(),
    upstreams: z.record(name, upstreamSchema).default({}),
    routes: z.array(routeSchema).default([]),
  })
  .describe('Definitions of Cutover: what an apply makes the gateway do.');

export type WrittenUpstream = z.output<typeof upstreamSchema>;
export type WrittenRoute = z.output<typeof routeSchema>;
export type WrittenPolicy = WrittenRoute['policies'][number];
export type WrittenRateLimit = z.output<typeof rateLimit>;
export type SchemaIssue = z.core.$ZodIssue;

/** The schema for editors (draft 2020-12). */
export function definitionsJsonSchema(): unknown {
  return z.toJSONSchema(definitionsSchema, { io: 'input', unrepresentable: 'any' });
}
