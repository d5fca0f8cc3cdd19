import type { BuildFilter, Client } from '@muster/client';
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';

/* What is asked of the server for these pages. Keys begin with `builds`, so that one event can touch all of them. */

/** All builds, workers and queues of the project. */
export const buildsStream = 'builds/events';
const liveBy = [buildsStream];
const pageRows = 100;

export const keys = {
  list: ['builds', 'list'],
  count: ['builds', 'count'],
  one: (id: string) => ['builds', 'one', id],
  queues: ['builds', 'queues'],
  line: (queue: string) => ['builds', 'queues', 'line', queue],
  workers: ['builds', 'workers', 'list'],
  worker: (id: string) => ['builds', 'workers', 'one', id],
  diagnostics: (id: string) => ['builds', 'workers', 'diagnostics', id],
  telemetry: (id: string) => ['builds', 'telemetry', id],
  bulk: (id: string) => ['builds', 'bulk', id],
  bulks: ['builds', 'bulks'],
} as const;

// oxlint-disable typescript/explicit-module-boundary-types -- the library's own types say more than could be written

export const listQuery = (client: Client, filter: BuildFilter) =>
  infiniteQueryOptions({
    queryKey: [...keys.list, filter],
    queryFn: ({ pageParam, signal }) =>
      client.builds.list({ ...filter, limit: pageRows, ...(pageParam === '' ? {} : { cursor: pageParam }) }, signal),
    initialPageParam: '',
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    placeholderData: keepPreviousData,
    meta: { liveBy },
  });

export const countQuery = (client: Client, filter: BuildFilter) =>
  queryOptions({
    queryKey: [...keys.count, filter],
    queryFn: ({ signal }) => client.builds.count(filter, signal),
    meta: { liveBy },
  });

export const buildQuery = (client: Client, id: string) =>
  queryOptions({
    queryKey: keys.one(id),
    queryFn: () => client.builds.get(id),
    meta: { liveBy },
  });

export const queuesQuery = (client: Client) =>
  queryOptions({
    queryKey: keys.queues,
    queryFn: ({ signal }) => client.queues.list(signal),
    meta: { liveBy },
  });

export const lineQuery = (client: Client, queue: string) =>
  infiniteQueryOptions({
    queryKey: keys.line(queue),
    queryFn: ({ pageParam, signal }) =>
      client.queues.line(queue, { limit: 50, ...(pageParam === '' ? {} : { cursor: pageParam }) }, signal),
    initialPageParam: '',
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    meta: { liveBy },
  });

export const workersQuery = (client: Client) =>
  infiniteQueryOptions({
    queryKey: keys.workers,
    queryFn: ({ pageParam, signal }) =>
      client.workers.list({ limit: 200, ...(pageParam === '' ? {} : { cursor: pageParam }) }, signal),
    initialPageParam: '',
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    meta: { liveBy },
  });

export const workerQuery = (client: Client, id: string) =>
  queryOptions({
    queryKey: keys.worker(id),
    queryFn: ({ signal }) => client.workers.get(id, signal),
    meta: { liveBy },
  });

export const diagnosticsQuery = (client: Client, id: string) =>
  queryOptions({
    queryKey: keys.diagnostics(id),
    queryFn: () => client.workers.diagnostics(id, { limit: 5 }),
  });

/** Telemetry has no stream: it is asked for again while the build runs. */
export const telemetryQuery = (client: Client, id: string, runs: boolean) =>
  queryOptions({
    queryKey: keys.telemetry(id),
    queryFn: () => client.builds.telemetry(id),
    refetchInterval: runs ? 5_000 : false,
  });

/** Nor has a bulk action: it is asked how far it is until it is done. */
export const bulkQuery = (client: Client, id: string) =>
  queryOptions({
    queryKey: keys.bulk(id),
    queryFn: () => client.builds.readBulk(id),
    refetchInterval: ({ state }) => (state.data?.state === 'done' ? false : 700),
    gcTime: Number.POSITIVE_INFINITY,
  });
