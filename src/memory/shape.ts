import { Builder, ByteBuffer } from 'flatbuffers';
import type { RouteT, UpstreamT } from '#generated/cutover.js';
import { Shape, type ShapeT } from '#generated/cutover.js';
import { assert, present } from '../base/assert.ts';
import type { MatcherVectors } from './matcher.ts';
import { shapeLayout } from './shape-kinds.ts';

/** The bytes of a compiled shape, shared with every worker; never written after `sealShape`. */
export type ShapeBytes = Uint8Array<SharedArrayBuffer>;

/** A mark at the beginning of a text is part of it. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** FlatBuffers text goes through TextDecoder, which takes no shared bytes: copy first. */
class SharedByteBuffer extends ByteBuffer {
  override __string(offset: number, encoding?: unknown): string | Uint8Array {
    const at = offset + this.readInt32(offset);
    const length = this.readInt32(at);
    const bytes = this.bytes().subarray(at + 4, at + 4 + length);
    return encoding === undefined ? decoder.decode(bytes.slice()) : bytes;
  }
}

/** Packs a shape into shared memory, where it stays as it is until the last reader lets go. */
export function sealShape(shape: ShapeT): ShapeBytes {
  const builder = new Builder(64 * 1024);
  Shape.finishShapeBuffer(builder, shape.pack(builder));
  const packed = builder.asUint8Array();
  const shared = new Uint8Array(new SharedArrayBuffer(packed.length));
  shared.set(packed);
  return shared;
}

/** A view on sealed bytes. Routes and upstreams are unpacked one at a time, on demand. */
export class ShapeReader {
  readonly revision: number;
  readonly hash: string;
  readonly routeCount: number;
  readonly upstreamCount: number;
  readonly matcher: MatcherVectors;
  readonly #shape: Shape;

  constructor(bytes: ShapeBytes) {
    assert(bytes.byteOffset === 0, 'shape bytes start their buffer, which aligns their words');
    const buffer = new SharedByteBuffer(bytes);
    assert(Shape.bufferHasIdentifier(buffer), 'shape bytes carry the identifier CUTS');
    const shape = Shape.getRootAsShape(buffer);
    assert(shape.layout() === shapeLayout, 'shape bytes have the layout of this build');
    const matcher = present(shape.matcher(), 'a shape has a matcher');
    this.#shape = shape;
    this.revision = shape.revision();
    this.hash = present(shape.hash(), 'a shape has a hash');
    this.routeCount = shape.routesLength();
    this.upstreamCount = shape.upstreamsLength();
    this.matcher = {
      hosts: matcher.hostsArray() ?? new Uint32Array(),
      edges: matcher.edgesArray() ?? new Uint32Array(),
      nodes: matcher.nodesArray() ?? new Uint32Array(),
      candidates: matcher.candidatesArray() ?? new Uint32Array(),
      text: matcher.textArray() ?? new Uint8Array(),
    };
  }

  route(index: number): RouteT {
    assert(index >= 0 && index < this.routeCount, 'a route index lies in its shape');
    return present(this.#shape.routes(index), 'a shape has its routes').unpack();
  }

  upstream(index: number): UpstreamT {
    assert(index >= 0 && index < this.upstreamCount, 'an upstream index lies in its shape');
    return present(this.#shape.upstreams(index), 'a shape has its upstreams').unpack();
  }
}
