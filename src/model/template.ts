import { templatePartCountMax } from '../base/limits.ts';
import type {
  FieldSource,
  NamedFieldSource,
  PathPattern,
  Template,
  TemplatePart,
} from './definitions.ts';
import { unreadablePath } from './path-pattern.ts';
import { nearest } from './problem.ts';

/** What went wrong in a template. */
export interface TemplateProblem {
  readonly message: string;
  readonly hint: string | null;
}

/** Names of headers and cookies (RFC 9110, section 5.6.2; RFC 6265, section 4.1.1). */
const tokenPattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

const sources: readonly FieldSource[] = [
  'request.method',
  'request.scheme',
  'request.host',
  'request.path',
  'request.query',
  'request.id',
  'client.ip',
  'consumer.name',
  'route.id',
  'upstream.name',
  'node.id',
  'revision',
];
const namedSources: readonly NamedFieldSource[] = [
  'request.header',
  'request.query',
  'request.cookie',
  'path',
];

/**
 * Splits a text at its holes: `${request.header.x-id}`, `${path.sku}`; `$${` is a plain `${`. With
 * `braces`, as in URLs, `{sku}` and `{**}` are holes for path parameters too.
 */
export function parseTemplate(
  text: string,
  pattern: PathPattern,
  braces: boolean,
): Template | TemplateProblem {
  const parts: TemplatePart[] = [];
  let plain = '';
  const flush = (): void => {
    if (plain !== '') parts.push({ kind: 'text', text: plain });
    plain = '';
  };
  for (let at = 0; at < text.length; ) {
    if (text.startsWith('$${', at)) {
      plain += '${';
      at += 3;
      continue;
    }
    const dollar = text.startsWith('${', at);
    if (!dollar && !(braces && text[at] === '{')) {
      plain += text[at];
      at += 1;
      continue;
    }
    const from = at + (dollar ? 2 : 1);
    const end = text.indexOf('}', from);
    if (end < 0) {
      const hint = dollar ? 'write $${ for a plain ${' : 'write {name}';
      return { message: `has no } for its hole at ${at}`, hint };
    }
    const inside = text.slice(from, end);
    const part = dollar ? parseHole(inside, pattern) : pathPart(inside, pattern);
    if ('message' in part) return part;
    flush();
    parts.push(part);
    at = end + 1;
  }
  flush();
  if (parts.length > templatePartCountMax) {
    return {
      message: `has more than ${templatePartCountMax} parts (templatePartCountMax)`,
      hint: null,
    };
  }
  return parts;
}

function parseHole(hole: string, pattern: PathPattern): TemplatePart | TemplateProblem {
  if (sources.includes(hole as FieldSource)) return { kind: 'field', source: hole as FieldSource };
  for (const source of namedSources) {
    if (!hole.startsWith(`${source}.`)) continue;
    const name = hole.slice(source.length + 1);
    if (name === '') break;
    if (source === 'path') return pathPart(name, pattern);
    if (source !== 'request.query' && !tokenPattern.test(name)) {
      const what = source === 'request.header' ? 'header' : 'cookie';
      return { message: `names the ${what} ${name}, which none can be called`, hint: null };
    }
    return { kind: 'field', source, name: source === 'request.header' ? name.toLowerCase() : name };
  }
  const like = nearest(hole, [...sources, ...namedSources.map((source) => `${source}.NAME`)]);
  return {
    message: `has the unknown hole \${${hole}}`,
    hint: like === null ? 'docs/definitions.md lists the holes' : `did you mean \${${like}}?`,
  };
}

function pathPart(name: string, pattern: PathPattern): TemplatePart | TemplateProblem {
  const names = pattern.segments.flatMap((one) => (one.kind === 'param' ? [one.name] : []));
  if (pattern.rest) names.push('**');
  if (pattern === unreadablePath || names.includes(name))
    return { kind: 'field', source: 'path', name };
  const like = nearest(name, names);
  return {
    message: `names the path parameter ${name}, which ${pattern.text} does not have`,
    hint: like === null ? null : `did you mean ${like}?`,
  };
}
