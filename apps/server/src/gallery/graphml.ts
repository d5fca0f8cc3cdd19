import type { GalleryGraph } from '@muster/protocol';

/** The graph for programs that draw or measure graphs (GraphML 1.0). */
export function writeGraphml(graph: GalleryGraph): string {
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">',
    ...['name', 'persona'].map((name) => `  <key id="${name}" for="node" attr.name="${name}" attr.type="string"/>`),
    '  <key id="isBot" for="node" attr.name="isBot" attr.type="boolean"/>',
    ...['likes', 'comments', 'replies'].map(
      (name) => `  <key id="${name}" for="edge" attr.name="${name}" attr.type="int"/>`,
    ),
    '  <graph id="gallery" edgedefault="directed">',
  ];
  for (const { id, name, isBot, persona } of graph.nodes) {
    lines.push(
      `    <node id="${escaped(id)}"><data key="name">${escaped(name)}</data><data key="isBot">${isBot}</data>${
        persona === null ? '' : `<data key="persona">${escaped(persona)}</data>`
      }</node>`,
    );
  }
  for (const [i, { from, to, likes, comments, replies }] of graph.edges.entries()) {
    lines.push(
      `    <edge id="e${i}" source="${escaped(from)}" target="${escaped(to)}"><data key="likes">${likes}</data><data key="comments">${comments}</data><data key="replies">${replies}</data></edge>`,
    );
  }
  return `${[...lines, '  </graph>', '</graphml>'].join('\n')}\n`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** XML 1.0 has no words for most control characters, so they go. */
const escaped = (text: string): string =>
  text.replaceAll(/\p{Cc}/gu, ' ').replaceAll(/[&<>"']/g, (sign) => entities[sign] ?? '');
