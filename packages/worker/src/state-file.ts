import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { FailureCode } from '@muster/protocol';

/** How the work of an attempt ended; what is still to be reported. */
export type Outcome =
  | {
      kind: 'done';
      exitCode?: number | undefined;
      files: readonly OutcomeFile[] /** Ids of what is stored already. */;
      stored: readonly string[];
    }
  | {
      kind: 'failed';
      failure: {
        code: FailureCode;
        detail: string;
        attribution: 'user' | 'host' | 'system';
        exitCode?: number;
        lastLines?: string[];
      };
    };
/** `path` is absolute and inside the attempt's folder; the first file is the primary artifact. */
export type OutcomeFile = { name: string; path: string };

/**
 * How far an attempt is, for a restarted worker. Written in one rename, so it is never half:
 * - `preparing`: nothing of the build ran yet
 * - `running`: the group may still live; `startedAt` tells it from a later process with the same number
 * - `finished`: the outcome stands and only has to be reported
 */
export type AttemptStage =
  | { stage: 'preparing' }
  | { stage: 'running'; group: number; startedAt: string | null }
  | { stage: 'finished'; outcome: Outcome };

export type AttemptState = AttemptStage & {
  version: 1;
  buildId: string;
  term: number;
  /** The server it came from: a worker pointed elsewhere must not report it there. */
  url: string;
  token: string;
  /** Rhythm of its heartbeats, as the job said. */
  heartbeatEveryMs: number;
};

const fileName = 'state.json';
const stateBytesMax = 1024 * 1024;

export async function writeState(root: string, state: AttemptState): Promise<void> {
  const file = await open(join(root, `${fileName}.new`), 'w', 0o600);
  try {
    await file.writeFile(JSON.stringify(state));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(join(root, `${fileName}.new`), join(root, fileName));
}

/** Undefined when there is none, or it is not ours to understand: then only the group's strays can be looked for. */
export async function readState(root: string): Promise<AttemptState | undefined> {
  const text = await readFile(join(root, fileName), 'utf8').catch(() => undefined);
  if (text === undefined || text.length > stateBytesMax) return undefined;
  try {
    const state = JSON.parse(text) as Partial<AttemptState>;
    return state.version === 1 &&
      typeof state.buildId === 'string' &&
      typeof state.term === 'number' &&
      typeof state.token === 'string'
      ? (state as AttemptState)
      : undefined;
  } catch {
    return undefined;
  }
}
