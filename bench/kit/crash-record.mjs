import { originOf } from './shape-definitions.mjs';

/**
 * What is known from outside of the applies of one run, over all its crashes, and what the node
 * may serve after one:
 *
 *   - the revision that was acknowledged last, or
 *   - the one that was in flight: the node may have moved its head just before it died.
 */
export class CrashRecord {
  /** How many of each wrong were seen; all must be 0. */
  wrongs = {
    older: 0,
    unknown: 0,
    mixed: 0,
    otherContent: 0,
    otherThanHead: 0,
    renumbered: 0,
    forgotten: 0,
    unreadable: 0,
    refused: 0,
  };
  /** What restarts served. */
  servedAcknowledged = 0;
  servedInFlight = 0;
  acknowledgedCount = 0;
  #acknowledged = { shape: 0, revision: 1 };
  #inFlight = null;
  /** The shape of every revision that anybody saw, and the hash of every acknowledged one. */
  #shapes = new Map();
  #hashes = new Map();
  #pending = new Set();
  #remarks = [];

  get inFlight() {
    return this.#inFlight;
  }

  /** Revisions that a crash cut short between their record and the move of the head. */
  get pendingCount() {
    return this.#pending.size;
  }

  /** The first few wrongs in words. */
  get remarks() {
    return this.#remarks;
  }

  wrong(kind, remark) {
    this.wrongs[kind] += 1;
    if (this.#remarks.length < 20) this.#remarks.push(`${kind}: ${remark}`);
  }

  /** A line of the client. */
  take({ sent, acknowledged, refused, seen, ...rest }) {
    if (sent !== undefined) this.#inFlight = sent;
    if (refused !== undefined) {
      this.#inFlight = null;
      this.wrong('refused', JSON.stringify(rest.answer));
    }
    if (acknowledged !== undefined) {
      this.acknowledgedCount += 1;
      this.#inFlight = null;
      this.#acknowledged = { shape: acknowledged, revision: rest.revision };
      this.#hashes.set(rest.revision, rest.hash);
      this.#number(rest.revision, acknowledged);
    }
    if (seen !== undefined) this.saw(seen);
  }

  /** A response of the gateway, at any time. */
  saw({ revision, shape, told, origin }) {
    if (told !== shape || origin !== originOf(shape)) {
      this.wrong('mixed', `revision ${revision}: shape ${shape}, told ${told}, origin ${origin}`);
    }
    this.#number(revision, shape);
  }

  /** What a restart serves; from now on it counts as acknowledged. */
  restarted({ revision, shape }) {
    const { shape: lastShape, revision: lastRevision } = this.#acknowledged;
    const told = `shape ${shape} as revision ${revision}, last acknowledged shape ${lastShape} as revision ${lastRevision}, in flight ${this.#inFlight}`;
    if (shape === lastShape && revision === lastRevision) this.servedAcknowledged += 1;
    else if (shape === this.#inFlight && revision > lastRevision) this.servedInFlight += 1;
    else this.wrong(shape < lastShape ? 'older' : 'unknown', told);
    this.#acknowledged = { shape, revision };
    this.#inFlight = null;
  }

  /** The list of a node's history, newest first: what it still has must be what was answered. */
  history(revisions) {
    const listed = new Map(revisions.map((one) => [one.revision, one]));
    const oldest = revisions.at(-1)?.revision ?? 0;
    for (const one of revisions) if (one.state === 'pending') this.#pending.add(one.revision);
    for (const [revision, hash] of this.#hashes) {
      if (revision < oldest) continue;
      const kept = listed.get(revision);
      if (kept?.hash === hash && kept.state === 'acknowledged') continue;
      this.wrong('forgotten', `revision ${revision}: ${JSON.stringify(kept)}`);
    }
  }

  /** The content of a kept revision: every part of it must be of the shape that it was seen with. */
  content(revision, shapes) {
    if (shapes.size !== 1) this.wrong('otherContent', `revision ${revision}: ${[...shapes]}`);
    for (const shape of shapes) this.#number(revision, shape);
  }

  #number(revision, shape) {
    const before = this.#shapes.get(revision) ?? shape;
    if (before !== shape) this.wrong('renumbered', `${revision}: shape ${before}, then ${shape}`);
    this.#shapes.set(revision, before);
  }
}
