import { shapeDefinitions } from './shape-definitions.mjs';

/** Routes that nobody asks for: they make a revision long enough to be cut in the middle. */
const ballastCount = 400;

/** The set of shape n, with its number in every route and its revision in every response. */
export function ballastDefinitions(shape) {
  const { upstreams, routes } = shapeDefinitions(shape);
  const [{ policies, ...route }] = routes;
  const [{ headers }] = policies;
  const set = { ...headers.response.set, 'x-revision': '${revision}' };
  const ballast = Array.from({ length: ballastCount }, (_, index) => ({
    id: `ballast-${index}`,
    match: { path: `/ballast/${index}` },
    respond: { body: `route ${index} of shape ${shape}` },
  }));
  return {
    upstreams,
    routes: [{ ...route, policies: [{ headers: { ...headers, response: { set } } }] }, ...ballast],
  };
}
