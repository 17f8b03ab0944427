/** What a person wrote, merged over files, as plain JSON: kept in revisions and shown again. */
export interface WrittenDefinitions {
  readonly upstreams: Record<string, unknown>;
  readonly routes: unknown[];
}

export function emptyWritten(): WrittenDefinitions {
  // Without a prototype: no name that a person may choose is there already.
  return { upstreams: Object.create(null) as Record<string, unknown>, routes: [] };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The kinds of objects that can be changed one at a time. */
export type ObjectKind = 'routes' | 'upstreams';

/** One object, or undefined. */
export function objectIn(written: WrittenDefinitions, kind: ObjectKind, name: string): unknown {
  if (kind === 'upstreams') {
    return Object.hasOwn(written.upstreams, name) ? written.upstreams[name] : undefined;
  }
  return written.routes.find((route) => idOf(route) === name);
}

/** A copy with one object replaced in its place, appended, or (undefined) removed. */
export function writtenWith(
  written: WrittenDefinitions,
  kind: ObjectKind,
  name: string,
  value: unknown,
): WrittenDefinitions {
  if (kind === 'upstreams') {
    const { [name]: _before, ...others } = written.upstreams;
    if (value === undefined) return { ...written, upstreams: others };
    return { ...written, upstreams: { ...written.upstreams, [name]: value } };
  }
  const routes = [...written.routes];
  const at = routes.findIndex((route) => idOf(route) === name);
  if (value === undefined) {
    if (at >= 0) routes.splice(at, 1);
  } else if (at >= 0) routes[at] = value;
  else routes.push(value);
  return { ...written, routes };
}

export function idOf(route: unknown): string | null {
  const id = (route as { id?: unknown } | null | undefined)?.id;
  return typeof id === 'string' ? id : null;
}
