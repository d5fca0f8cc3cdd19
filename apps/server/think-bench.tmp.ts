import { readFileSync } from 'node:fs';
import { systemClock } from '#kernel/base';
import { createDb, migrate, throwawayCluster } from '#kernel/db';
import { thinkingWorld } from './test/support/gallery-thinking.ts';
const [, , bots = '60', warmMin = '20', min = '60', tick = '250'] = process.argv;
await using cluster = await throwawayCluster();
const stats = new Map<string, { n: number; ms: number }>();
await migrate({ connection: cluster.connection, clock: systemClock, serverVersion: 'test' });
const db = createDb({ ...cluster.connection, poolMax: 8, statementTimeoutMs: 20_000, applicationName: 'b', clock: systemClock, onQuery: (label, ms) => { const s = stats.get(label) ?? { n: 0, ms: 0 }; s.n++; s.ms += ms; stats.set(label, s); } });
await db.start();
{
await using world = await thinkingWorld(db);
await world.seed(Number(bots));
await world.live(Number(warmMin) * 60_000, Number(tick));
const { execSync } = await import('node:child_process');
const pgCpu = () => { let sum = 0; const out = execSync(`ps -eo pid,cputimes,args | grep postgres | grep -v grep`).toString(); for (const d of (await_ids())) { try { const st = readFileSync(`/proc/${d}/stat`, 'utf8').split(') ')[1]!.split(' '); sum += Number(st[11]) + Number(st[12]); } catch {} } return sum * 10; };
const await_ids = () => execSync(`pgrep -f "postgres: .* b |postgres: b" || true`).toString().trim().split('\n').filter(Boolean);
stats.clear();
const pg0 = pgCpu();
const began = performance.now(); const cpu = process.cpuUsage();
const ends = await world.live(Number(min) * 60_000, Number(tick));
const took = performance.now() - began; const used = process.cpuUsage(cpu);
const by = Object.groupBy(ends, (e) => `${e.result} ${e.reason ?? ''}`);
console.log('pg cpu ms/think', ((pgCpu() - pg0) / ends.length).toFixed(2));
console.log(ends.length, 'thinks', Math.round((1000 * ends.length) / took), '/s; cpu ms/think', ((used.user + used.system) / 1000 / ends.length).toFixed(2), 'wall', (took / ends.length).toFixed(2), Object.fromEntries(Object.entries(by).map(([k, v]) => [k, v?.length])));
if (process.env.Q) console.log([...stats].sort((a, b) => b[1].ms - a[1].ms).slice(0, 25).map(([l, s]) => `${l.slice(0, 40)} n=${s.n} ms=${s.ms.toFixed(0)} avg=${(s.ms / s.n).toFixed(2)}`).join('\n'));
console.log(world.failures.slice(0, 3));
}
await db[Symbol.asyncDispose]();
