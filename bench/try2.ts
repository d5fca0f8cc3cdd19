import { systemClock } from '../apps/server/src/kernel/base/index.ts';
import { createDb, migrate, sql } from '../apps/server/src/kernel/db/index.ts';
import { finishJobs, claimJobs } from '../apps/server/src/kernel/queue/queries.ts';
import { durablePostgres } from './support/stores.ts';
await using postgres = await durablePostgres(60);
await migrate({ connection: postgres.connection, clock: systemClock, serverVersion: 'bench' });
const db = createDb({ ...postgres.connection, poolMax: 1, statementTimeoutMs: 60_000, applicationName: 'bench', clock: systemClock });
await db.start();
const fill = async () => { await db.query(sql`insert into jobs (id, kind, state, attempts_max, run_at) select 'job_' || lpad(g::text, 26,'0'), 'bench', 'ready', 20, now() from generate_series(1, 20000) g`);
await db.query(sql`insert into job_payloads select id, '{"i":1}' from jobs`); };
await fill();
for (let i=0;i<40;i++) { const r = await claimJobs(db, [{ kind: 'bench', count: 500, leaseMs: 30000 }], 'x'); await finishJobs(db, r.map((j) => ({id:j.id, term: j.term, outcome:'done' as const, reason:null})), 'running'); }
for (const t of ['jobs','job_payloads','jobs_done']) await db.query({text:'vacuum analyze '+t, values:[]});
await db.query(sql`delete from jobs_done`);
await fill();
console.log(await db.query(sql`select relname, relpages, reltuples from pg_class where relname like 'job%'`));
const ex = async (run: (s: any) => Promise<any>, show = true) => { let st: any; await run({ query: (s: any) => ((st = s), Promise.resolve([])) }); const r = await db.query<any>({ text: 'explain (analyze, summary, buffers) ' + st.text, values: st.values }); const l = r.map((x: any) => x['QUERY PLAN']); console.log(show ? l.join('\n') : l.slice(-2).join(' ')); };
for (let i = 0; i < 2; i++) await ex((s) => claimJobs(s, [{ kind: 'bench', count: 500, leaseMs: 30000 }], 'x'), i === 1);
for (let i = 0; i < 2; i++) { const rows = await db.query<any>(sql`select id, term from jobs where state='running' order by id limit 500`);
await ex((s) => finishJobs(s, rows.map((r: any) => ({ ...r, outcome: 'done', reason: null })), 'running'), i === 1); }
await db[Symbol.asyncDispose]();
