import type { Limit, Limits } from '#kernel/base';
import type { Metrics } from '#kernel/telemetry';
import type { EdgeLimits } from './limits.ts';
import type { ShellState } from './shell-state.ts';

/** The bounds of the edge for `/v1/limits`, and how full they are for `/metrics`. */
export function showEdge(parts: {
  bounds: Limits | undefined;
  metrics: Metrics;
  limits: EdgeLimits;
  state: ShellState;
  sockets: () => number;
  heldBytes: () => number;
}): void {
  const { bounds, metrics, limits, state, sockets, heldBytes } = parts;
  const { inFlight, parking } = state;
  const list = (
    name: string,
    unit: Limit['unit'],
    value: number,
    whenFull: string,
    more: Pick<Limit, 'setting' | 'used'> = {},
  ): void => {
    bounds?.add({ name: `http.${name}`, unit, value, whenFull, ...more });
  };
  list('bodyBytes', 'bytes', limits.bodyBytesMax, 'The request is refused with 413; uploads have their own limits.', {
    setting: 'MUSTER_HTTP_BODY_BYTES_MAX',
  });
  list('rawBodiesBytes', 'bytes', limits.rawBodiesBytesMax, 'A body that needs more gets 429 too_many_bodies.', {
    used: heldBytes,
  });
  list('jsonDepth', 'count', limits.jsonDepthMax, 'The request is refused with 400 too_deep.');
  list('headerBytes', 'bytes', limits.headerBytesMax, 'The request is refused with 431.');
  list('urlBytes', 'bytes', limits.urlBytesMax, 'The request is refused with 414.');
  list('requestsInFlight', 'count', limits.inFlightMax, 'New requests get 429 too_many_requests.', {
    setting: 'MUSTER_HTTP_REQUESTS_IN_FLIGHT_MAX',
    used: () => inFlight.now,
  });
  list('parkedCalls', 'count', limits.parkedMax, 'A call that would wait gets 429 too_many_parked.', {
    setting: 'MUSTER_HTTP_PARKED_CALLS_MAX',
    used: () => parking.size,
  });
  list('sockets', 'count', limits.socketsMax, 'An upgrade gets 429 too_many_sockets.', {
    setting: 'MUSTER_HTTP_SOCKETS_MAX',
    used: sockets,
  });
  list('socketFrameBytes', 'bytes', limits.socketFrameBytesMax, 'The socket ends with 1009.', {
    setting: 'MUSTER_SOCKET_FRAME_BYTES_MAX',
  });
  list('socketSubscriptions', 'count', limits.socketSubscriptionsMax, 'A further sub gets err subscriptions_max.', {
    setting: 'MUSTER_SOCKET_SUBSCRIPTIONS_MAX',
  });
  list(
    'socketSends',
    'perSecond',
    limits.socketSendsPerSecond,
    'A frame beyond it gets err rate; as many in a row as the burst end the socket with 4409.',
    { setting: 'MUSTER_SOCKET_SENDS_PER_SECOND' },
  );
  list('socketSendsBurst', 'count', limits.socketSendsBurst, 'See http.socketSends.', {
    setting: 'MUSTER_SOCKET_SENDS_BURST',
  });
  list('socketFramesOpen', 'count', limits.socketFramesOpenMax, 'A further frame gets err frames_open_max.', {
    setting: 'MUSTER_SOCKET_FRAMES_OPEN_MAX',
  });
  list('socketLoadBytes', 'bytes', limits.socketLoadBytesMax, 'The socket is not read from until frames are answered.');
  list(
    'socketWaitingBytes',
    'bytes',
    limits.socketWaitingBytesMax,
    'The socket is not read from and its subscriptions pause; without progress for 30 s it ends with 1013.',
  );
  list('socketStrangers', 'count', limits.socketStrangersMax, 'A further socket without a credential gets 429.');
  list(
    'requestsPerKey',
    'perSecond',
    (limits.requestsPerWindow * 1000) / limits.requestWindowMs,
    'Requests of that key get 429 rate until the bucket refills.',
    {
      setting: 'MUSTER_HTTP_REQUESTS_PER_KEY_MAX',
    },
  );
  list('idempotencyKeep', 'ms', limits.idempotencyKeepMs, 'The key is forgotten and may be used for something new.');

  metrics.gauge({ name: 'muster_sockets', help: 'Open WebSockets.', collect: (gauge) => gauge.set({}, sockets()) });
  metrics.gauge({
    name: 'muster_http_requests_in_flight',
    help: 'Requests being worked on.',
    collect: (gauge) => gauge.set({}, inFlight.now),
  });
  metrics.gauge({
    name: 'muster_http_parked_calls',
    help: 'Calls waiting for something to happen.',
    collect: (gauge) => gauge.set({}, parking.size),
  });
}
