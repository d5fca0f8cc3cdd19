import { createLogger, type Logger, type LoggerOptions } from './logger.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { watchProcess } from './process-metrics.ts';

export { type Logger, type LogLevel, silentLogger } from './logger.ts';
export type { CounterMetric, GaugeMetric, HistogramMetric, LabelSet, Metrics } from './metrics.ts';
export { redact, redactUrl } from './redact.ts';

export type Telemetry = AsyncDisposable & { readonly logger: Logger; readonly metrics: Metrics };

/**
 * What a process says about itself: one logger, one metrics registry.
 *
 * @example
 * const { logger, metrics } = await createTelemetry({ level: 'info', form: 'json' });
 * const submitted = metrics.counter({
 *   name: 'muster_builds_submitted_total',
 *   help: 'Builds accepted.',
 *   labels: { queue: { max: 100 }, platform: ['ios', 'android', 'linux', 'macos', 'any'] },
 * });
 * submitted.add({ queue: 'default', platform: 'linux' });
 */
export async function createTelemetry(options: LoggerOptions): Promise<Telemetry> {
  const logger = await createLogger(options);
  const metrics = createMetrics(logger);
  const watching = watchProcess(metrics);
  return {
    logger,
    metrics,
    [Symbol.asyncDispose]: async () => watching[Symbol.dispose](),
  };
}

/** Metrics of their own for a test: counts, but nobody reads them over the wire. */
export const loneMetrics = (logger: Logger): Metrics => createMetrics(logger);
