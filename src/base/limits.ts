/**
 * Every maximum of the system, each with the reason for its number. What is over a limit is
 * refused with an error that names the limit; nothing grows without one.
 */

/** A compile of this many is timed by the bench (under a second); ten times that was still linear. */
export const routeCountMax = 20_000;

/** As many pools of sockets per worker; 64 connections each is 65,536, the usual descriptor limit. */
export const upstreamCountMax = 1024;

/** Balancers scan all endpoints of an upstream in the worst case: a scan of 256 costs about 1 µs. */
export const endpointCountMax = 256;

export const endpointWeightMax = 1000;

/** Hosts of one route; more are better written as a wildcard. */
export const routeHostCountMax = 256;

/** Predicates are tried one after another on the request path. */
export const routePredicateCountMax = 32;

export const routePolicyCountMax = 32;

/** Header changes of one policy; each costs about 0.1 µs per exchange. */
export const headerChangeCountMax = 128;

/** Segments of a request path or a pattern; the matcher's scratch has this many places. */
export const pathSegmentCountMax = 64;

/** Parts of one template. */
export const templatePartCountMax = 64;

/** Bytes of one text in definitions: a header value, a path, a name in a template. */
export const textBytesMax = 8192;

/** Ids and names are used in metrics labels, file names and messages. */
export const nameLengthMax = 128;

/** A body that `respond` sends is kept once per worker and generation. */
export const respondBodyBytesMax = 1024 * 1024;

/** Bytes of one set of definitions as sent to the admin interface: 20,000 routes of 800 bytes. */
export const definitionsBytesMax = 16 * 1024 * 1024;

/** Levels of maps and lists in definitions: the deepest field lies at 9, readers recurse. */
export const nestingDepthMax = 32;

/** A timer of the platform holds 24.8 days and then fires at once; nothing here waits a day. */
export const durationMsMax = 24 * 60 * 60 * 1000;

/** An apply waits for workers so long at most: doubled, with a margin, a timer still holds it. */
export const applyWaitMsMax = 60 * 60 * 1000;

/** Bytes of a request's head that a setting may allow: the request guard keeps heads until they are whole. */
export const headBytesMax = 256 * 1024;

/** Problems reported in one go; past this the count of the rest is given. */
export const problemCountMax = 500;

/** Slots for generations in shared memory: 3 retained, 1 staging, the rest for long exchanges. */
export const generationSlotCount = 16;

/**
 * Bytes that a client may send ahead of being read: uWebSockets.js goes on reading a paused body
 * while each read fills its buffer of 512 KiB, so the kernel must hold less than that.
 */
export const receiveBytesMax = 384 * 1024;

/** Generations that stay loaded after their successor is active, so that rollback compiles nothing. */
export const generationRetainedCount = 3;

/** Worker threads: 64 workers of 64 pools are past the machines that this is built for. */
export const workerCountMax = 64;

/** A worker that drains and its successor have a seat in shared memory each. */
export const seatCountMax = 2 * workerCountMax;

/** Revisions kept on disk besides the head: 200 of a megabyte each are no burden. */
export const revisionKeptCount = 200;

/** Clients of the event stream; each costs a socket and a line per event. */
export const eventClientCountMax = 64;
