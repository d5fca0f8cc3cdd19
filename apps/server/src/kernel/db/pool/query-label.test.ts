import { expect, test } from 'vitest';
import { queryLabel } from './query-label.ts';

test.each([
  ['-- claim_build: builds_ready\nwith next as (select 1) update builds set a = 1', 'claim_build'],
  ['select * from builds where id = $1 for update skip locked', 'select builds'],
  ['with n as (select id from jobs for update skip locked) update jobs set a = 1 from n', 'update jobs'],
  ['insert into keys (id) values ($1) on conflict (id) do update set a = 1 returning *', 'insert keys'],
  ['with gone as (delete from blobs returning *) insert into dead select * from gone', 'insert dead'],
  ['-- served by x\n  select a from muster.builds', 'select muster.builds'],
  ['select 1', 'select'],
  ['set local lock_timeout = 1', 'set'],
])('%s', (text, label) => {
  expect(queryLabel(text)).toBe(label);
});
