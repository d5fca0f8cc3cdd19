import { expect, test } from 'vitest';
import { splitStatements } from './split.ts';

test('statements end at semicolons outside of quotes and comments', () => {
  const text = `-- breaking: a; b
create table a (n text default ';');
/* not; here */ insert into "odd;name" values ('it''s; fine');

create function f() returns int language sql as $body$ select 1; select '$$;'; $body$;
do $$ begin perform 1; end $$;
select $1; select 2`;
  expect(splitStatements(text).map(({ line, text }) => [line, text.split(' ').slice(0, 2).join(' ')])).toEqual([
    [2, 'create table'],
    [3, 'insert into'],
    [5, 'create function'],
    [6, 'do $$'],
    [7, 'select $1'],
    [7, 'select 2'],
  ]);
});

test.each(["select 'open", 'select /* open', 'select $x$ open', '-- only', ''])('unfinished text %j ends', (text) => {
  expect(splitStatements(text).length).toBeLessThanOrEqual(1);
});
