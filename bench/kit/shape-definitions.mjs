/** Ports of the two origins, by name. */
export const shapeOrigins = { a: 19_032, b: 19_033 };

export function originOf(shape) {
  return Number(shape) % 2 === 0 ? 'a' : 'b';
}

/** The set of shape n: three things that change together. */
export function shapeDefinitions(shape) {
  return {
    upstreams: Object.fromEntries(
      Object.entries(shapeOrigins).map(([name, port]) => [
        name,
        { endpoints: [`http://127.0.0.1:${port}`] },
      ]),
    ),
    routes: [
      {
        id: 'shape',
        match: { path: '/**' },
        upstream: originOf(shape),
        policies: [
          {
            headers: {
              request: { set: { 'x-told': String(shape) } },
              response: { set: { 'x-shape': String(shape) } },
            },
          },
        ],
      },
    ],
  };
}
