import type { Limit } from '#kernel/base';
import type { StreamsDeps } from './deps.ts';
import { streamsLimits } from './limits.ts';
import type { Room } from './room.ts';

/** The bounds of this room for `/v1/limits`, and what goes on in it for `/metrics`. Returns what counts refusals. */
export function showStreams(deps: StreamsDeps, room: Room): (reason: string) => void {
  const { config, limits, telemetry } = deps;
  const list = (
    name: string,
    unit: Limit['unit'],
    value: number,
    whenFull: string,
    more: Pick<Limit, 'setting' | 'used'> = {},
  ): void => {
    limits.add({ name: `streams.${name}`, unit, value, whenFull, ...more });
  };
  list('appendBytes', 'bytes', config.appendBytesMax, 'The append is refused with 413 body_too_large.', {
    setting: 'MUSTER_STREAMS_APPEND_BYTES_MAX',
  });
  list('appendMessages', 'count', config.appendMessagesMax, 'The append is refused with 413 body_too_large.', {
    setting: 'MUSTER_STREAMS_APPEND_MESSAGES_MAX',
  });
  list('pageBytes', 'bytes', config.pageBytesMax, 'A read ends its page there; the next offset goes on.', {
    setting: 'MUSTER_STREAMS_PAGE_BYTES_MAX',
  });
  list('pageMessages', 'count', config.pageMessagesMax, 'A read ends its page there; the next offset goes on.', {
    setting: 'MUSTER_STREAMS_PAGE_MESSAGES_MAX',
  });
  list('appendsPerProject', 'perSecond', config.appendsPerSecondMax, 'Appends of that project get 429 rate.', {
    setting: 'MUSTER_STREAMS_APPENDS_PER_SECOND_MAX',
  });
  list('bytesPerProject', 'perSecond', config.bytesPerSecondMax, 'Appends of that project get 429 rate.', {
    setting: 'MUSTER_STREAMS_BYTES_PER_SECOND_MAX',
  });
  list(
    'liveReadsPerCredential',
    'count',
    config.liveReadsPerCredentialMax,
    'A further live read gets 429 followers_max.',
    { setting: 'MUSTER_STREAMS_LIVE_READS_PER_CREDENTIAL_MAX', used: () => room.liveReads.count },
  );
  list('streamsPerProject', 'count', config.streamsMax, 'A PUT of a further stream gets 429 streams_max.', {
    setting: 'MUSTER_STREAMS_MAX',
    used: () => deps.log.gauges().streamsOfOne,
  });
  list('pathBytes', 'bytes', streamsLimits.pathBytesMax, 'The request is refused with 400 path_malformed.');
  list('nameBytes', 'bytes', streamsLimits.nameBytesMax, 'A longer Producer-Id or Stream-Seq is refused with 400.');
  list('ttl', 'ms', streamsLimits.ttlSecondsMax * 1000, 'A longer TTL is refused with 400 ttl_malformed.');
  list('jsonDepth', 'count', streamsLimits.jsonDepthMax, 'Deeper JSON is refused with 400 json_invalid.');

  telemetry.metrics.gauge({
    name: 'muster_streams_live_reads',
    help: 'Live reads of streams on this node: long-polls that wait, event streams, subscriptions of sockets.',
    collect: (gauge) => gauge.set({}, room.liveReads.count),
  });
  telemetry.metrics.gauge({
    name: 'muster_streams_event_streams',
    help: 'Open event streams on this node.',
    collect: (gauge) => gauge.set({}, room.events.count),
  });
  const refused = telemetry.metrics.counter({
    name: 'muster_streams_refused_total',
    help: 'Requests below /v1/stream/ that were answered with an error, by reason.',
    labels: { reason: { max: 100 } },
  });
  return (reason) => refused.add({ reason });
}
