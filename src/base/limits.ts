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

/** Characters of the note of a revision: a line of a list; escaped it fits a request's target. */
export const noteLengthMax = 1024;

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

/** Bytes of a POST's body whose fields are part of a key; a longer one goes past the cache. */
export const keyBodyBytesMax = 64 * 1024;

/** Larger bodies are stored in pieces while they come; smaller ones in one message, whole. */
export const wholeStoreBytesMax = 64 * 1024;

/** Bytes on their way from a worker to control; over it a response is served and not stored. */
export const cacheInFlightBytesMax = 8 * 1024 * 1024;

/** How long a response that may not be stored keeps others from waiting for its like. */
export const hitForMissMs = 10_000;

/** Labels remembered against fetches under way when they are busted: 65,536 are about 6 MiB. */
export const bustLabelCountMax = 65_536;

/** Labels (tags, path, route, shape) of all entries, per KiB of the arena: 8 for entries of 2 KiB. */
export const labelsPerKibibyte = 4;

/** Bytes of a snapshot: a stop and a start spend about a second on 256 MiB. */
export const snapshotBytesMax = 256 * 1024 * 1024;

/** Bytes of what a snapshot says of one entry: head, key and labels at their longest, as JSON. */
export const snapshotMetaBytesMax = 256 * 1024;

/** Tags, URLs, keys and routes of one bust: unlinking 1,000 short lists takes about a millisecond. */
export const bustItemCountMax = 1000;

/** Busts a second, and at once after a quiet second; control spends some 50 µs on one. */
export const bustsPerSecondMax = 1000;

/** What one bust names, as its line in the log and its event tell it; the rest is counted. */
export const bustToldCountMax = 100;

/** Header fields of a request that is to be explained: no client sends more. */
export const explainHeaderCountMax = 128;

/** Entries told for one URL. */
export const cacheListingMax = 200;

/** A worker that drains and its successor have a seat in shared memory each. */
export const seatCountMax = 2 * workerCountMax;

/** Revisions kept on disk besides the head: 200 of a megabyte each are no burden. */
export const revisionKeptCount = 200;

/** Clients of the event stream; each costs a socket and a line per event. */
export const eventClientCountMax = 64;

/** Below it the segments are too few for two queues and a reserve. */
export const cacheArenaBytesMin = 4 * 1024 * 1024;

/** Places are byte offsets into one Buffer, which the platform ends at 4 GiB. */
export const cacheArenaBytesMax = 4 * 1024 * 1024 * 1024;

/** Method, host, path, query and variants; compared byte by byte on every hit. */
export const cacheKeyBytesMax = 2048;

/** A ready head; origins' heads are at most 16 KiB, a route's changes may double that. */
export const cacheHeadBytesMax = 32 * 1024;

/** All labels of one entry as text: 128 tags of 60 bytes. */
export const cacheLabelsBytesMax = 8 * 1024;

/** Each of ETag, Last-Modified and the chosen query. */
export const cacheFieldBytesMax = 2048;

/** An entry of one record, and a piece of a larger one: copied in some 10 µs. */
export const cacheChunkBytesMax = 64 * 1024;

/** One body, whatever its route says: 4,096 chunks, whose places fill 16 KiB of its entry. */
export const cacheBodyBytesMax = 256 * 1024 * 1024;

/** Turns around a claim's lock (some 20 µs) before a worker fetches without a claim. */
export const claimSpinCountMax = 1000;

/** Names in one Vary: each is read from every request for that URL. */
export const cacheVaryNameCountMax = 16;

/** Tags, and groups, that one response may bring: RFC 9875 asks for 32 groups, CDNs allow more. */
export const cacheResponseTagCountMax = 128;

/** Bytes of one tag; a response with a longer one is not stored, since a bust could not name it. */
export const cacheTagBytesMax = 256;

/** The largest entry may take a quarter of the cache, so that it cannot push out all others. */
export const cacheEntryShareMax = 4;

/** One entry, whatever the memory: 4,096 pieces of 64 KiB, whose places fill 16 KiB of it. */
export const cacheEntryBytesMax = 256 * 1024 * 1024;

/** An entry must hold its head and key: the two at their longest are less. */
export const cacheEntryBytesMin = 4 * 1024;

/** A TTL, at most: a year, the longest that RFC 2616 let an origin say; no timer runs on it. */
export const cacheTtlMsMax = 365 * 24 * 60 * 60 * 1000;

/** TTL rules of one route are tried one after another for each stored answer. */
export const cacheRuleCountMax = 32;

/** Names of one kind that a key may vary by; each costs about 0.1 µs per lookup. */
export const cacheVaryCountMax = 32;

/** Different Accept fields whose class a route remembers: browsers and clients send some dozens. */
export const acceptFieldCountMax = 256;

/** Bytes of an Accept field that is remembered: browsers send up to 100. */
export const acceptFieldBytesMax = 256;

/** Query parameters of one request that are sorted on the request path; more is not cached. */
export const cacheQueryParameterCountMax = 256;

/** Tag templates of one route, and so tags that a route gives to one entry. */
export const cacheTagCountMax = 16;

/** Body fields of one key; each is looked up in every POST. */
export const cacheBodyPathCountMax = 32;

/** Steps of one JSON path, and levels of a body that is read for its fields: readers recurse. */
export const cacheBodyDepthMax = 32;

/** Uses until an answer is stored: what is counted for keys that are not stored saturates here. */
export const cacheMinUsesMax = 16;

/** Bytes of a secret: a header that carries it must fit a request's head. */
export const secretBytesMax = 1024;

/** Members named in the settings: one that answers tells a client of all the others. */
export const clusterMemberCountMax = 64;

/** Calls of one client of the cluster that are not settled: 64 in flight already gave the most. */
export const clusterCallCountMax = 1024;

/** Bytes under way to and from the log: items are some 100 bytes, revisions at most a few MiB. */
export const clusterLogBytesMax = 32 * 1024 * 1024;

/** Bytes under way of cached bodies: 256 of 256 KiB, about a second of one member's line. */
export const clusterBodiesBytesMax = 64 * 1024 * 1024;

/** What a call of the log is taken to bring back, as nobody knows before it is there. */
export const clusterLogAnswerBytes = 4096;

/** And a call for bodies: a quarter of the longest; 1,024 of them fill what may be under way. */
export const clusterBodiesAnswerBytes = 64 * 1024;

/** A node that was not heard for so long is not waited for: three of its beats, which come each second. */
export const nodeLiveMs = 3_000;

/** For how long a proof that nothing was missed holds: a node must doubt before others go on without it. */
export const logLeaseMs = 1_000;

/** Busts that wait on disk for the cluster: more become one that busts all. */
export const outboxCountMax = 10_000;

/** A set of definitions as nodes hand it on, packed: a quarter of what the log's client may hold. */
export const revisionContentBytesMax = 8 * 1024 * 1024;

/** Where fetches stand in the log is known for so many busts back: longer ones are not shared. */
export const clockMarkCountMax = 4_096;

/** Bytes of a body that nodes share: beyond, a line to a member is held up, and the origin is as near. */
export const secondLevelBodyBytesMax = 256 * 1024;

/** How long a miss waits for the other nodes' responses before it goes to the origin. */
export const secondLevelReadMs = 15;

/** Members keep a shared response no longer than a day. */
export const secondLevelTtlMsMax = 24 * 60 * 60 * 1000;

/** Shorter bodies are not packed: it would take longer than it saves. */
export const packBytesMin = 2 * 1024;

/** Beyond the deadline, until a worker goes on by itself: control may be busy. */
export const secondLevelMarginMs = 25;

/** How long a fetch of one node holds those of the others up, where the route wants one for all. */
export const clusterFetchMsMax = 2_000;

/** Keys that a node tells others of as the ones that it uses most: some 100 KiB. */
export const hotKeyCountMax = 2_000;

/** Keys that are read at once when a node warms up: 100 took 7 ms. */
export const warmBatchCount = 100;

/** A dead node is told of for so long: names of nodes that come and go must not pile up. */
export const nodeForgottenMs = 60 * 60 * 1000;

/** Responses on their way into the second level: what comes beyond is not written there. */
export const secondLevelPutCountMax = 256;

/** What one limit admits in a window: a count has 20 bits. */
export const rateLimitMax = 1_000_000;

/** A shorter window would end between two looks of control at what other nodes admitted. */
export const rateLimitWindowMsMin = 100;

/** A longer one is a quota, which would have to outlive the process. */
export const rateLimitWindowMsMax = 60 * 60 * 1000;

/** Callers whose use is counted at a time, over all limits of a node: 2 MiB. */
export const rateLimitSlotCount = 65_536;

/** Turns around a set's lock, or a count (some 20 µs), before a request is let through uncounted. */
export const rateLimitSpinCountMax = 1000;

/** Callers of whom a node tells the others how much they used: 56 KiB, ten times a second. */
export const fleetLimitCountMax = 2_000;

/** For how long a node goes by what others told last, before it keeps to its share of each limit. */
export const fleetLimitKnownMs = 1_000;
