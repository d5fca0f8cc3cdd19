/**
 * Claim: one core draws at least 2 000 scenes per second over all eight families, and a thread makes a PNG 512 pixels wide
 * of one in a median of at most 25 ms.
 *
 * Scenes: rounds of every family in turn, each with a prompt of its own, by CPU time of this process, which draws on one
 * thread; garbage is collected meanwhile and counted. PNGs: one after the other through the rasteriser of the server, the
 * way to its thread and back included; then as many at once as there are threads. `--rounds=5 --scenes=1600 --pngs=400
 * --width=512 --json`.
 */

import { sceneFamilies } from '@muster/protocol';
import { createRaster, drawScene } from '../apps/server/src/gallery/images/index.ts';
import { systemClock } from '../apps/server/src/kernel/base/index.ts';
import { machine, median, options, round, spread, table } from './support/report.ts';

const given = options();
const rounds = given.get('rounds', 5);
const scenes = given.get('scenes', 1_600);
const pngs = given.get('pngs', 400);
const width = given.get('width', 512);
const prompts = [
  '',
  'two red boats at dusk, thick fog',
  'trams per minute, by weekday',
  'a fern knight in four frames',
  'burnt sugar cake with cream',
  'p6m of broken stars',
  'a quiet brass bell',
  'The Velvet Radiators, sold out',
];
const url = 'https://gallery.example/sandbox/i/itm_01J8ZK6M3Y';

/** Seconds of CPU for `count` scenes of these families, and the bytes of one. */
function draw(
  families: readonly (typeof sceneFamilies)[number][],
  count: number,
  from: number,
): { perSecond: number; bytes: number } {
  const cpu = process.cpuUsage();
  let bytes = 0;
  for (let i = 0; i < count; i++) {
    const family = families[i % families.length] ?? 'landscape';
    bytes += drawScene({ family, seed: from + i, prompt: prompts[i % prompts.length] ?? '', url }).svg.length;
  }
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: (count * 1e6) / (user + system), bytes: Math.round(bytes / count) };
}

for (const family of sceneFamilies) draw([family], 150, 0);
const all: number[] = [];
const each = new Map(
  sceneFamilies.map((family): [string, { perSecond: number[]; bytes: number }] => [
    family,
    { perSecond: [], bytes: 0 },
  ]),
);
for (let no = 0; no < rounds; no++) {
  all.push(draw(sceneFamilies, scenes, no * scenes).perSecond);
  for (const family of sceneFamilies) {
    const { perSecond, bytes } = draw([family], scenes / 8, no * scenes);
    each.get(family)?.perSecond.push(perSecond);
    each.set(family, { perSecond: each.get(family)?.perSecond ?? [], bytes });
  }
}

await using raster = createRaster({ clock: systemClock });
const svgs = Array.from(
  { length: pngs },
  (_, i) => drawScene({ family: sceneFamilies[i % 8] ?? 'landscape', seed: i, prompt: prompts[i % 8] ?? '', url }).svg,
);
const took: number[] = [];
for (const svg of svgs.slice(0, 24)) await raster.png(svg, width);
for (const svg of svgs) {
  const began = performance.now();
  await raster.png(svg, width);
  took.push(performance.now() - began);
}
const began = performance.now();
let next = 0;
const lane = async (): Promise<void> => {
  for (let svg = svgs[next++]; svg !== undefined; svg = svgs[next++]) await raster.png(svg, width);
};
await Promise.all([lane(), lane()]);
const together = (pngs * 1_000) / (performance.now() - began);
const png = spread(took);

if (given.json) {
  const families = Object.fromEntries(
    [...each].map(([family, { perSecond, bytes }]) => [family, { perSecond: median(perSecond), bytes }]),
  );
  console.log(
    JSON.stringify({ machine: machine(), rounds, perSecond: median(all), families, png, pngsPerSecond: together }),
  );
} else {
  const { cpu, cores, memoryGb, node, os } = machine();
  console.log(`${cpu}, ${cores} cores, ${memoryGb} GB · ${os} · Node ${node} · ${rounds} rounds of ${scenes} scenes\n`);
  table(
    ['scenes', 'per second', 'bytes', 'bar'],
    [
      ['all families', Math.round(median(all)), '', '≥ 2000'],
      ...[...each].map(([family, { perSecond, bytes }]) => [family, Math.round(median(perSecond)), `${bytes}`, '']),
    ],
  );
  console.log('');
  table(
    [`PNG ${width}`, 'p50 ms', 'p99 ms', 'max ms', 'bar'],
    [['one at a time', png.p50, png.p99, png.max, 'p50 ≤ 25']],
  );
  console.log(`\ntwo threads: ${round(together)} PNGs per second`);
}
