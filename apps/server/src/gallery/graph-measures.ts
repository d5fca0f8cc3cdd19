export type Edge = { from: string; to: string; weight: number };
export type GraphMeasures = {
  reciprocity: number | null;
  components: number;
  largestComponent: number;
  clustering: number | null;
};

/**
 * Measures of who reacts to whom. Reciprocity: the share of directed pairs that are answered. Components are weak ones.
 * Clustering is the mean local coefficient of Watts and Strogatz (1998) over the undirected graph, of nodes with two
 * neighbours at least.
 */
export function measureGraph(nodes: readonly string[], edges: readonly Edge[]): GraphMeasures {
  const directed = new Set(edges.filter(({ from, to }) => from !== to).map(({ from, to }) => `${from}\u0000${to}`));
  const neighbours = new Map(nodes.map((node) => [node, new Set<string>()]));
  for (const { from, to } of edges) {
    if (from === to) continue;
    neighbours.get(from)?.add(to);
    neighbours.get(to)?.add(from);
  }
  let answered = 0;
  for (const pair of directed) {
    const [from = '', to = ''] = pair.split('\u0000');
    if (directed.has(`${to}\u0000${from}`)) answered += 1;
  }
  const sizes = componentSizes(neighbours);
  return {
    reciprocity: directed.size === 0 ? null : rounded(answered / directed.size),
    components: sizes.length,
    largestComponent: Math.max(0, ...sizes),
    clustering: clusteringOf(neighbours),
  };
}

function componentSizes(neighbours: ReadonlyMap<string, ReadonlySet<string>>): number[] {
  const seen = new Set<string>();
  const sizes: number[] = [];
  for (const start of neighbours.keys()) {
    if (seen.has(start)) continue;
    seen.add(start);
    const waiting = [start];
    let size = 0;
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      size += 1;
      for (const next of neighbours.get(node) ?? []) {
        if (seen.has(next)) continue;
        seen.add(next);
        waiting.push(next);
      }
    }
    sizes.push(size);
  }
  return sizes;
}

/** A hub's pairs are counted up to so many neighbours: the mean of a large graph does not hang on one of them. */
const neighboursMax = 200;

function clusteringOf(neighbours: ReadonlyMap<string, ReadonlySet<string>>): number | null {
  const values: number[] = [];
  for (const around of neighbours.values()) {
    if (around.size < 2) continue;
    const some = [...around].sort().slice(0, neighboursMax);
    let closed = 0;
    for (const [i, a] of some.entries())
      for (const b of some.slice(i + 1)) if (neighbours.get(a)?.has(b) === true) closed += 1;
    values.push(closed / ((some.length * (some.length - 1)) / 2));
  }
  return values.length === 0 ? null : rounded(values.reduce((sum, value) => sum + value, 0) / values.length);
}

const rounded = (value: number): number => Math.round(value * 10_000) / 10_000;
