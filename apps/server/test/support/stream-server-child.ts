/**
 * The real server in a process of its own, its log on disk or in memory: `stream-server-child.ts <disk|memory> [point]`, settings
 * from the environment. With a point it kills itself when it gets there for the first time.
 */
import { once } from 'node:events';
import { compose } from '#compose';
import { processEnv, readConfig } from '#config';
import { arm } from '#kernel/base';
import { createTelemetry } from '#kernel/telemetry';
import { keepCompiled } from './keep-compiled.ts';

const [driver = 'disk', point] = process.argv.slice(2);
if (point !== undefined) arm(point, () => void process.kill(process.pid, 'SIGKILL'));
await using telemetry = await createTelemetry({ level: 'warn', form: 'json' });
await using app = await compose(readConfig(processEnv(), new Map()), telemetry, {
  log: driver === 'memory' ? 'memory' : 'disk',
});
keepCompiled();
process.stdout.write(`ready ${app.http.url}\n`);
await once(process, 'SIGTERM');
