import { createHash } from 'node:crypto';

/**
 * Who of these nodes should hold a shard: the one with the highest hash of (node, shard), so that a node that comes or goes
 * moves its own share and nothing else. After Thaler and Ravishankar, "Using name-based mappings to increase hit rates" (1998).
 */
export function keeperOf(shard: number, nodes: Iterable<string>): string | undefined {
  let best: string | undefined;
  let most = -1;
  for (const node of nodes) {
    const weight = createHash('sha256').update(`${node}\u0000${shard}`).digest().readUIntBE(0, 6);
    if (weight < most || (weight === most && best !== undefined && best < node)) continue;
    best = node;
    most = weight;
  }
  return best;
}
