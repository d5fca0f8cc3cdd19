import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { tempDir } from '../test/support/temp-dir.ts';
import { until } from '../test/support/until.ts';
import { Mask } from './mask.ts';
import { liveProcesses, startTimeOf, strays } from './process-table.ts';
import { type RunCommand, runCommand } from './run-command.ts';
import { StopOrder } from './stop-order.ts';
import { UsageSample } from './usage-sample.ts';

type Run = { lines: string[]; group: number | undefined };
let builds = 0;

async function prepared(command: RunCommand['command'], more: Partial<RunCommand> = {}): Promise<RunCommand & Run> {
  const buildId = `bld_test${process.pid}x${(builds += 1)}`;
  const run: RunCommand & Run = {
    command,
    cwd: await tempDir(),
    env: { PATH: process.env['PATH'] ?? '', MUSTER_BUILD_ID: buildId, MUSTER_TERM: '1' },
    buildId,
    term: 1,
    graceMs: 5_000,
    signal: new AbortController().signal,
    mask: new Mask([]),
    onLine: (text, source) => run.lines.push(`${source} ${text}`),
    room: () => Promise.resolve(),
    onStarted: (group) => {
      run.group = group;
      return Promise.resolve();
    },
    lines: [],
    group: undefined,
    ...more,
  };
  return run;
}

const nothingLeft = async ({ group, buildId }: RunCommand & Run): Promise<void> => {
  expect((await liveProcesses()).filter((row) => row.group === group)).toEqual([]);
  expect(strays(buildId, 1)).toEqual([]);
};

describe('a command', () => {
  test('gets its folder, its environment and nothing else', async () => {
    const run = await prepared('echo out; echo err >&2; pwd -P; umask; env | cut -d= -f1 | sort | tr "\\n" " "; cat');
    expect(await runCommand(run)).toEqual({ exitCode: 0, signal: null });
    expect(run.lines).toContain('stdout out');
    expect(run.lines).toContain('stderr err');
    expect(run.lines).toContain('stdout 0077');
    expect(run.lines.join('\n')).toContain(run.cwd);
    const names = run.lines.find((line) => line.includes('MUSTER_TERM'))?.split(' ') ?? [];
    expect(names.filter((name) => !['stdout', '', '_', 'OLDPWD', 'SHLVL', 'PWD'].includes(name))).toEqual([
      'MUSTER_BUILD_ID',
      'MUSTER_TERM',
      'PATH',
    ]);
  });

  test('as a list is run without a shell in between', async () => {
    const run = await prepared(['printf', '%s|', 'a b', '$HOME', '*']);
    await runCommand(run);
    expect(run.lines).toEqual(['stdout a b|$HOME|*|']);
  });

  test('tells its exit code, and 128 + the signal', async () => {
    expect(await runCommand(await prepared('exit 7'))).toEqual({ exitCode: 7, signal: null });
    expect(await runCommand(await prepared('kill -9 $$'))).toEqual({ exitCode: 137, signal: 'SIGKILL' });
    // A folder in PATH that may not be entered would make this 126.
    const missing = await prepared(['no-such-program-here'], { env: { PATH: '/usr/bin:/bin' } });
    expect((await runCommand(missing)).exitCode).toBe(127);
  });

  test('whose folder is missing is the host’s failure', async () => {
    const run = await prepared('true', { cwd: '/no/such/folder' });
    await expect(runCommand(run)).rejects.toMatchObject({ code: 'worker_error', attribution: 'host' });
  });

  test('has its secrets masked, cut by the pipe or not', async () => {
    const run = await prepared('printf "%s" "before super-"; sleep 0.2; echo "secret after"', {
      mask: new Mask(['super-secret']),
    });
    await runCommand(run);
    expect(run.lines).toEqual(['stdout before *** after']);
  });

  test('waits when nobody takes its output', async () => {
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const run = await prepared('head -c 1000000 /dev/zero | tr "\\0" "\\n"; touch done', { room: () => gate });
    const ending = runCommand(run);
    await until('output arrives', () => run.lines.length > 0);
    expect(run.lines.length).toBeLessThan(500_000);
    await expect(readFile(join(run.cwd, 'done'))).rejects.toThrow();
    open();
    await ending;
    expect(run.lines).toHaveLength(1_000_000);
  });

  test('that leaves something in the background leaves nothing behind', async () => {
    const run = await prepared('sleep 600 & (trap "" TERM; sleep 600) & echo done', { graceMs: 300 });
    expect((await runCommand(run)).exitCode).toBe(0);
    expect(run.lines).toEqual(['stdout done']);
    await nothingLeft(run);
  });

  test('tells its group and start time, so that it can be found again', async () => {
    let seen: [number, string | undefined] | undefined;
    const run = await prepared('sleep 0.3', {
      onStarted: (group, startedAt) => {
        seen = [group, startedAt];
        return Promise.resolve();
      },
    });
    const ending = runCommand(run);
    await until('it started', () => seen);
    expect(seen?.[1]).toBe(await startTimeOf(seen?.[0] ?? 0));
    await ending;
    expect(await startTimeOf(seen?.[0] ?? 0)).toBeUndefined();
  });

  test('is measured', async () => {
    const stop = new AbortController();
    const run = await prepared('while :; do :; done', { signal: stop.signal });
    const ending = runCommand(run);
    const usage = new UsageSample(await until('it started', () => run.group), run.cwd);
    await usage.take();
    const metrics = await until('it used the processor', async () => {
      const taken = await usage.take();
      return (taken.cpuPercent ?? 0) > 10 ? taken : undefined;
    });
    expect(metrics.processes).toBe(1);
    expect(metrics.diskPercent).toBeGreaterThan(0);
    stop.abort(new StopOrder('cancel', 'enough'));
    await ending;
  });
});

describe('stopping', () => {
  const tree = 'sh -c "sleep 601 & sleep 602" & trap "echo told; exit 3" TERM; echo up; while :; do sleep 0.05; done';

  test('SIGTERM first, to everyone in the group', async () => {
    const stop = new AbortController();
    const run = await prepared(tree, { signal: stop.signal });
    const ending = runCommand(run);
    await until('it runs', () => run.lines.includes('stdout up'));
    stop.abort(new StopOrder('cancel', 'cancelled'));
    expect(await ending).toEqual({ exitCode: 3, signal: null });
    expect(run.lines).toContain('stdout told');
    await nothingLeft(run);
  });

  test('SIGKILL for who does not listen, after the grace of the order', async () => {
    const stop = new AbortController();
    const run = await prepared('trap "" TERM; sh -c "trap \\"\\" TERM; sleep 603" & echo up; sleep 604; sleep 605', {
      signal: stop.signal,
      graceMs: 60_000,
    });
    const ending = runCommand(run);
    await until('it runs', () => run.lines.includes('stdout up'));
    const began = performance.now();
    stop.abort(new StopOrder('cancel', 'cancelled', { graceMs: 300 }));
    expect(await ending).toEqual({ exitCode: 137, signal: 'SIGKILL' });
    expect(performance.now() - began).toBeGreaterThan(290);
    await nothingLeft(run);
  });

  test('an order that is older than the command ends it at once', async () => {
    const run = await prepared('sleep 600', { signal: AbortSignal.abort(new StopOrder('lost', 'lost')) });
    expect((await runCommand(run)).signal).toBe('SIGTERM');
    await nothingLeft(run);
  });

  test.runIf(process.platform === 'linux')('processes that left the group are found by their variables', async () => {
    const stop = new AbortController();
    const run = await prepared('setsid sh -c "trap \\"\\" TERM HUP; sleep 606; sleep 607" & echo up; sleep 608', {
      signal: stop.signal,
      graceMs: 200,
    });
    const ending = runCommand(run);
    await until('it runs', async () => run.lines.includes('stdout up') && strays(run.buildId, 1).length >= 3);
    stop.abort(new StopOrder('cancel', 'cancelled'));
    await ending;
    await nothingLeft(run);
  });
});
