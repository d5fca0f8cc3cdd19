/**
 * The real server in a process that kills itself: `point=submit.committed nth=3` ends it without warning when that point is
 * reached for the third time. Everything behind `--` is the server's own command line.
 */
import { arm } from '#kernel/base';
import { keepCompiled } from '../../support/keep-compiled.ts';

const words = process.argv.slice(2);
const cut = words.indexOf('--');
const given = new Map(words.slice(0, cut).map((word) => word.split('=') as [string, string]));
const point = given.get('point');
let left = Number(given.get('nth') ?? 1);
if (point) {
  arm(point, () => {
    left -= 1;
    if (left <= 0) process.kill(process.pid, 'SIGKILL');
  });
}
await import('#compose');
keepCompiled();
process.argv.splice(2, process.argv.length, ...words.slice(cut + 1));
await import('../../../src/main.ts');
