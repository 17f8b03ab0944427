/**
 * Fields that concern one connection alone and never pass (RFC 9110, section 7.6.1), besides those
 * that `Connection` lists. The body's framing is made anew on each side.
 */
export function isHopByHop(name: string): boolean {
  switch (name.length) {
    case 2:
      return name === 'te';
    case 6:
      return name === 'expect';
    case 7:
      return name === 'upgrade' || name === 'trailer';
    case 10:
      return name === 'connection' || name === 'keep-alive';
    case 16:
      return name === 'proxy-connection';
    case 17:
      return name === 'transfer-encoding';
    default:
      return false;
  }
}

/** The names that the values of `Connection` list, or null when they list only its own options. */
export function listedNames(connection: string): ReadonlySet<string> | null {
  if (connection === 'keep-alive' || connection === 'close') return null;
  const names = new Set<string>();
  for (const token of connection.toLowerCase().split(',')) {
    const name = token.trim();
    if (name !== '' && name !== 'close' && name !== 'keep-alive') names.add(name);
  }
  return names.size === 0 ? null : names;
}
