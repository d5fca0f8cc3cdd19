/**
 * The public conformance suite of the protocol, every option on, against a real server process. It comes with a vitest of
 * its own and is run by that one. The number of its tests is asserted, so a smaller suite, or a skipped test, fails.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Between } from '#test/between';
import { childEnv } from '#test/child-env';
import { testDatabase } from '#test/database';
import { StreamServer } from '#test/stream-server';

const suiteFolder = join(import.meta.dirname, '../conformance/durable-streams');
const all = 338;
/** As the suite is meant to be run: short polls, and everybody may do everything. */
const env = { MUSTER_STREAMS_LONG_POLL_MS: '500', MUSTER_STREAMS_ANONYMOUS: 'full' };

type Report = {
  numTotalTests: number;
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  testResults: {
    message: string;
    assertionResults: { status: string; fullName: string; failureMessages: string[] }[];
  }[];
};

/** Runs the suite, or those of its tests whose name fits, and resolves with its report. */
async function runSuite(url: string, fits?: RegExp): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-conformance-'));
  const file = join(folder, 'report.json');
  const theirs = createRequire(createRequire(import.meta.url).resolve('@durable-streams/server-conformance-tests'));
  const vitest = join(theirs.resolve('vitest/package.json'), '../vitest.mjs');
  const words = ['run', '--config', 'vitest.config.ts', '--reporter=json', `--outputFile=${file}`];
  const child = spawn(process.execPath, [vitest, ...words, ...(fits ? ['-t', fits.source] : [])], {
    cwd: suiteFolder,
    env: childEnv({ CONFORMANCE_URL: url }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const pipe of [child.stdout, child.stderr]) pipe.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await once(child, 'close');
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Report;
  } catch (error) {
    throw new Error(`the suite left no report:\n${said}`, { cause: error });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function failures({ testResults }: Report): string[] {
  return testResults.flatMap(({ message, assertionResults }) => [
    ...(assertionResults.length === 0 ? [message] : []),
    ...assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages[0]?.split('\n')[0]}`),
  ]);
}

// The suite waits most of its time, for polls and ends of lifetimes: the two drivers wait together.
describe.concurrent('the whole suite', () => {
  test.each(['disk', 'memory'] as const)(
    `all ${all} tests pass on the %s driver, none skipped`,
    {
      timeout: 300_000,
    },
    async (log) => {
      // A log of its own needs a database of its own.
      await using database = await testDatabase();
      await using server = await StreamServer.start(database, { log, env });
      const report = await runSuite(server.url);
      expect(failures(report)).toEqual([]);
      const { numTotalTests, numPassedTests, numPendingTests } = report;
      expect({ numTotalTests, numPassedTests, numPendingTests }).toEqual({
        numTotalTests: all,
        numPassedTests: all,
        numPendingTests: 0,
      });
    },
  );
});

test('groups that keep state pass while the server is killed and started again beneath them', {
  timeout: 300_000,
}, async () => {
  await using database = await testDatabase();
  await using server = await StreamServer.start(database, { env });
  await using between = await Between.of(server.url);
  const over = new AbortController();
  // Tests of live reads and of expiry measure times, which do not hold while requests are held back.
  const stateful =
    /^(?!.*(SSE|sse|long-poll|TTL)).*(Idempotent Producer Operations|Stream Closure|Fork - (Creation|Reading|Appending|Recursive|Deletion)|Append Operations|Content-Type Validation)/;
  const killing = (async () => {
    // On a slow machine each takes a while; enough of them say what more would.
    for (let deaths = 0; deaths < 12 && !over.signal.aborted; deaths++) {
      await between.hold(async () => {
        await server.kill();
        await server.begin();
      });
      // Some tests get through between two deaths.
      await pause(1000);
    }
  })();
  // Awaited below, behind the suite.
  killing.catch(() => undefined);
  const report = await runSuite(between.url, stateful);
  over.abort();
  await killing;
  expect(failures(report)).toEqual([]);
  expect(report.numPassedTests).toBeGreaterThan(120);
  expect(server.lives).toBeGreaterThan(3);
});
