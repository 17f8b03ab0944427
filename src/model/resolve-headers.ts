import type { HeaderChanges, HeaderValue, PathPattern } from './definitions.ts';
import type { Path, Problems } from './problem.ts';
import { parseTemplate } from './template.ts';

const tokenPattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
const valuePattern = /^[\t\x20-\x7e]*$/;

/** Fields that frame a message or concern one connection: the gateway writes them itself. */
const ownFields: Readonly<Record<string, string>> = {
  'content-length': 'it follows from the body',
  'transfer-encoding': 'it follows from the body',
  connection: 'it concerns one connection',
  'keep-alive': 'it concerns one connection',
  'proxy-connection': 'it concerns one connection',
  te: 'it concerns one connection',
  trailer: 'trailers are not passed on',
  upgrade: 'it concerns one connection',
  expect: 'the gateway answers it',
  date: 'the gateway writes it',
  host: 'use host in the upstream',
};

/** What is wrong with two spellings of one name in one map. */
export const sameHeader = 'names a header that stands here already; case does not matter';

type WrittenChanges = {
  readonly set: Readonly<Record<string, string>>;
  readonly add: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
};

export function resolveHeaderChanges(
  written: WrittenChanges,
  path: Path,
  pattern: PathPattern,
  problems: Problems,
): HeaderChanges {
  return {
    remove: written.remove.map((name, index) =>
      headerName(name, [...path, 'remove', index], problems),
    ),
    set: resolveHeaders(written.set, [...path, 'set'], pattern, problems),
    add: resolveHeaders(written.add, [...path, 'add'], pattern, problems),
  };
}

export function resolveHeaders(
  written: Readonly<Record<string, string>>,
  path: Path,
  pattern: PathPattern,
  problems: Problems,
): HeaderValue[] {
  const seen = new Set<string>();
  return Object.entries(written).map(([key, text]) => {
    const at = [...path, key];
    const name = headerName(key, at, problems);
    if (seen.has(name)) problems.add('duplicate', at, sameHeader, null, 'key');
    seen.add(name);
    if (!valuePattern.test(text)) {
      const hint = 'visible ASCII, space and tab only';
      problems.add('bad-header', at, 'has characters that a header value may not hold', hint);
    }
    const parsed = parseTemplate(text, pattern, false);
    if (!('message' in parsed)) return { name, value: parsed };
    problems.add('bad-template', at, parsed.message, parsed.hint);
    return { name, value: [] };
  });
}

function headerName(written: string, path: Path, problems: Problems): string {
  const name = written.toLowerCase();
  if (!tokenPattern.test(written)) {
    problems.add('bad-header', path, `${written} is not a header name`, null, 'key');
  } else if (Object.hasOwn(ownFields, name)) {
    const hint = ownFields[name] ?? null;
    problems.add('bad-header', path, `${name} cannot be changed by a policy`, hint, 'key');
  }
  return name;
}
