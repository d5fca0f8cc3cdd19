export type { Job } from '@muster/protocol';
export { BuildContext, type ExecOptions, type RunBuild, type RunResult } from './build-context.ts';
export { BuildFailure, type FailureDetails } from './build-failure.ts';
export type { WorkerEnd } from './build-worker.ts';
export { type RunningWorker, type StartWorkerOptions, startWorker } from './start-worker.ts';
export { type StopKind, StopOrder } from './stop-order.ts';
export { type Log, silentLog, workerLog } from './worker-log.ts';
