import type { WindowQuery } from '@muster/client';
import type { GalleryGraph } from '@muster/protocol';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo } from 'react';
import { useClient } from '../../api/client.ts';
import { Badge } from '../../parts/badge.tsx';
import { Button } from '../../parts/button.tsx';
import { Facts } from '../../parts/facts.tsx';
import { count, duration, percent } from '../../parts/format.ts';
import { Link } from '../../parts/nav.tsx';
import { Panel } from '../../parts/panel.tsx';
import { saveFile } from '../../parts/save-file.ts';
import { Text } from '../../parts/text.tsx';
import { galleryWords } from '../../words/gallery.ts';
import { evaluationWords as words } from '../../words/gallery-running.ts';
import { useAct } from './act.ts';
import { graphQuery } from './data.ts';
import { Loaded } from './loaded.tsx';

const drawnMost = 32;
const linesMost = 140;
const listedMost = 12;

/** Who likes, comments on and answers whom. */
export function GraphPanel({ window }: { window: WindowQuery }): ReactNode {
  const client = useClient();
  const query = useQuery(graphQuery(client, window));
  const take = useAct(
    () => client.gallery.graphml(window),
    (text) => saveFile('gallery.graphml', text, 'application/graphml+xml'),
  );
  return (
    <Panel
      title={words.graph}
      actions={
        <>
          <Button size="s" busy={take.isPending} onClick={() => take.mutate(undefined)}>
            {words.graphml}
          </Button>
          {query.data ? (
            <Button size="s" onClick={() => saveFile('gallery-graph.json', JSON.stringify(query.data))}>
              {words.json}
            </Button>
          ) : null}
        </>
      }
    >
      <Loaded query={query}>
        {(graph) =>
          graph.edges.length === 0 ? <p className="m-0 text-soft">{words.graphNone}</p> : <Graph graph={graph} />
        }
      </Loaded>
    </Panel>
  );
}

type Edge = GalleryGraph['edges'][number];
const weightOf = ({ likes, comments, replies }: Edge): number => likes + 2 * comments + 3 * replies;

function Graph({ graph }: { graph: GalleryGraph }): ReactNode {
  const { measures, nodes } = graph;
  const strongest = graph.edges.toSorted((a, b) => weightOf(b) - weightOf(a)).slice(0, listedMost);
  const nodeOf = new Map(nodes.map((node) => [node.id, node]));
  return (
    <div className="grid items-start gap-6 lg:grid-cols-[minmax(0,28rem)_minmax(0,1fr)]">
      <Circle graph={graph} />
      <div className="stack">
        <Facts
          columns={2}
          items={[
            { label: words.graphMeasures.reciprocity, value: percent(measures.reciprocity) },
            {
              label: words.graphMeasures.clustering,
              value: measures.clustering === null ? galleryWords.none : measures.clustering.toFixed(2),
            },
            { label: words.graphMeasures.components, value: count(measures.components) },
            { label: words.graphMeasures.peoplesPostsAnswered, value: percent(measures.peoplesPostsAnswered) },
            { label: words.graphMeasures.firstAnswer, value: duration(measures.firstAnswerMsMedian) },
          ]}
        />
        <div>
          <h3 className="m-0 text-sm text-soft">{words.strongest}</h3>
          <ul className="m-0 list-none p-0">
            {strongest.map((edge) => (
              <li key={`${edge.from} ${edge.to}`} className="spread">
                <span>
                  <Name node={nodeOf.get(edge.from)} /> → <Name node={nodeOf.get(edge.to)} />
                </span>
                <span className="text-sm text-soft">{words.edge(edge.likes, edge.comments, edge.replies)}</span>
              </li>
            ))}
          </ul>
        </div>
        {graph.truncated ? <p className="m-0 text-sm text-soft">{words.graphCut}</p> : null}
      </div>
    </div>
  );
}

function Name({ node }: { node: GalleryGraph['nodes'][number] | undefined }): ReactNode {
  if (!node) return galleryWords.none;
  const name = <Text value={node.name} max={40} />;
  if (!node.isBot)
    return (
      <>
        {name} <Badge>{words.graphPeople}</Badge>
      </>
    );
  return node.id.startsWith('gbt_') ? <Link to={`/gallery/bots/${node.id}`}>{name}</Link> : name;
}

const size = 400;
const middle = size / 2;
const radius = 170;

/** The most connected in a ring, ordered by persona so that neighbours belong together. */
function Circle({ graph }: { graph: GalleryGraph }): ReactNode {
  const { placed, edges, most } = useMemo(() => layoutOf(graph), [graph]);
  return (
    <figure className="m-0">
      <svg
        viewBox={`0 0 ${size} ${size}`}
        role="img"
        aria-label={words.graphSummary(placed.size, edges.length)}
        className="w-full"
      >
        {edges.map((edge) => {
          const a = placed.get(edge.from);
          const b = placed.get(edge.to);
          if (!a || !b) return null;
          const strength = weightOf(edge) / most;
          return (
            <path
              key={`${edge.from} ${edge.to}`}
              d={`M${a.x} ${a.y}Q${middle} ${middle} ${b.x} ${b.y}`}
              fill="none"
              stroke="var(--accent)"
              strokeOpacity={0.08 + 0.6 * strength}
              strokeWidth={0.5 + 3 * strength}
            />
          );
        })}
        {[...placed.values()].map(({ x, y, node }) => (
          <g key={node.id}>
            {node.isBot ? (
              <circle cx={x} cy={y} r={5} fill="var(--tone-live)" />
            ) : (
              <rect x={x - 5} y={y - 5} width={10} height={10} fill="var(--tone-done)" />
            )}
            <title>{node.name}</title>
          </g>
        ))}
      </svg>
      <figcaption className="flex flex-wrap gap-x-4 text-sm text-soft">
        <span>{words.graphNote}</span>
        <span>● {words.graphBots}</span>
        <span>■ {words.graphPeople}</span>
      </figcaption>
    </figure>
  );
}

type Placed = { x: number; y: number; node: GalleryGraph['nodes'][number] };

function layoutOf({ nodes, edges }: GalleryGraph): { placed: Map<string, Placed>; edges: Edge[]; most: number } {
  const degree = new Map<string, number>();
  for (const edge of edges)
    for (const id of [edge.from, edge.to]) degree.set(id, (degree.get(id) ?? 0) + weightOf(edge));
  const shown = nodes
    .filter(({ id }) => degree.has(id))
    .toSorted((a, b) => (degree.get(b.id) ?? 0) - (degree.get(a.id) ?? 0))
    .slice(0, drawnMost)
    .toSorted((a, b) => (a.persona ?? '~').localeCompare(b.persona ?? '~') || a.name.localeCompare(b.name));
  const placed = new Map(
    shown.map((node, at): [string, Placed] => {
      const angle = (2 * Math.PI * at) / shown.length - Math.PI / 2;
      const place = (along: number): number => Math.round((middle + radius * along) * 10) / 10;
      return [node.id, { x: place(Math.cos(angle)), y: place(Math.sin(angle)), node }];
    }),
  );
  const drawn = edges
    .filter(({ from, to }) => from !== to && placed.has(from) && placed.has(to))
    .toSorted((a, b) => weightOf(b) - weightOf(a))
    .slice(0, linesMost);
  return { placed, edges: drawn, most: Math.max(1, ...drawn.map(weightOf)) };
}
