import { HeaderList } from '../../src/gateway/header-list.ts';

/** A list of `name: value` lines, names made lower case as a parser does. */
export function headerLines(...lines: string[]): HeaderList {
  const headers = new HeaderList();
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers.add(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return headers;
}

/** The same the other way round, to compare. */
export function linesOf(headers: HeaderList): string[] {
  return headers.names.map((name, at) => `${name}: ${headers.values[at]}`);
}
