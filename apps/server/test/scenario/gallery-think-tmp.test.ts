import { afterAll, expect, test } from 'vitest';
import { testDatabase } from '#test/database';
import { thinkingWorld } from '#test/gallery-thinking';
const stats = new Map<string, { n: number; ms: number }>();
const database = await testDatabase({ onQuery: (label, ms) => { const s = stats.get(label) ?? { n: 0, ms: 0 }; s.n++; s.ms += ms; stats.set(label, s); } });
afterAll(() => database[Symbol.asyncDispose]());
test('where does it go', async () => {
  await using world = await thinkingWorld(database.db);
  await world.seed(20);
  await world.live(900_000);
  stats.clear();
  const began = performance.now(); const cpu = process.cpuUsage();
  const ends = await world.live(1_200_000);
  const took = performance.now() - began; const used = process.cpuUsage(cpu);
  console.log(ends.length, Math.round((1000 * ends.length) / took), '/s', 'cpu ms/think', ((used.user + used.system) / 1000 / ends.length).toFixed(2), 'wall/think', (took / ends.length).toFixed(2));
  console.log([...stats].sort((a, b) => b[1].ms - a[1].ms).slice(0, 30).map(([l, s]) => `${l.slice(0,40)} n=${s.n} ms=${s.ms.toFixed(0)} avg=${(s.ms / s.n).toFixed(2)}`).join('\n'));
  expect(1).toBe(1);
}, 200_000);
