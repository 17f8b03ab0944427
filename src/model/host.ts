const labels =
  /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/;
const literal = /^\[[0-9a-f:.]{2,45}\]$/;

/** A host as routes match it: lower case; `*.name` matches one or more labels. Null: it is none. */
export function parseHost(text: string): string | null {
  const host = text.toLowerCase();
  const plain = host.startsWith('*.') ? host.slice(2) : host;
  if (labels.test(plain)) return host;
  return literal.test(host) ? host : null;
}
