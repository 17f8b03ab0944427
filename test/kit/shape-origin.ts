import type { ServerResponse } from 'node:http';
import { type Origin, startOrigin } from './origin.ts';

/** An origin that says which shape's request policy a request went through. */
export interface ShapeOrigin extends Origin {
  /** Responses to requests below /hold that wait to be answered, oldest first. */
  readonly held: (() => void)[];
}

export async function startShapeOrigin(): Promise<ShapeOrigin> {
  const held: (() => void)[] = [];
  const origin = await startOrigin((request, response: ServerResponse) => {
    const answer = (): void => {
      response.setHeader('x-seen', String(request.headers['x-shape'] ?? ''));
      response.end('origin');
    };
    if (request.url.startsWith('/hold')) held.push(answer);
    else answer();
  });
  return { ...origin, held };
}

/** A set whose request policy, response policy and local reply all carry one mark. */
export function shapeOf(mark: string | number, origin: { readonly url: string }) {
  const set = (name: string) => ({ set: { [name]: String(mark) } });
  return {
    upstreams: { origin: { endpoints: [origin.url] } },
    routes: [
      {
        id: 'proxied',
        match: { path: '/**' },
        upstream: 'origin',
        policies: [{ headers: { request: set('x-shape'), response: set('x-shape-out') } }],
      },
      { id: 'mark', match: { path: '/mark' }, respond: { body: String(mark) } },
    ],
  };
}
