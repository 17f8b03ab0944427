import { HeaderValueT, PartT, TemplateT } from '#generated/cutover.js';
import { assert } from '../../base/assert.ts';
import { partSource } from '../../memory/shape-kinds.ts';
import type { HeaderValue, PathPattern, Template, TemplatePart } from '../../model/definitions.ts';

/** A template in bytes: path parameters become indexes of segments, so that no name is looked up. */
export function encodeTemplate(template: Template, path: PathPattern): TemplateT {
  return new TemplateT(template.map((part) => encodePart(part, path)));
}

export function encodeHeaderValue({ name, value }: HeaderValue, path: PathPattern): HeaderValueT {
  return new HeaderValueT(name, encodeTemplate(value, path));
}

function encodePart(part: TemplatePart, path: PathPattern): PartT {
  if (part.kind === 'text') return new PartT(partSource.text, part.text, 0);
  if (!('name' in part)) return new PartT(partSource[part.source], null, 0);
  if (part.source === 'request.query') {
    return new PartT(partSource['request.query.named'], part.name, 0);
  }
  if (part.source !== 'path') return new PartT(partSource[part.source], part.name, 0);
  if (part.name === '**') {
    assert(path.rest, 'validation let ${path.**} pass only where the path ends in **');
    return new PartT(partSource['path.rest'], null, path.segments.length);
  }
  const index = path.segments.findIndex((one) => one.kind === 'param' && one.name === part.name);
  assert(index >= 0, 'validation let only path parameters of the route pass');
  return new PartT(partSource.path, part.name, index);
}
