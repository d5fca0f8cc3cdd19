import { statfs } from 'node:fs/promises';
import type { Metrics } from '@muster/protocol';
import { monotonic } from './clock.ts';
import { groupMembers } from './process-table.ts';

/**
 * Measures one process group: processor share since the last call (100 = one core), memory, processes, and how full the
 * disk under `folder` is. The first call has no share yet.
 */
export class UsageSample {
  readonly #group: number;
  readonly #folder: string;
  #last: { at: number; cpuMs: Map<number, number> } | undefined;

  constructor(group: number, folder: string) {
    this.#group = group;
    this.#folder = folder;
  }

  async take(): Promise<Metrics> {
    const rows = await groupMembers(this.#group);
    const at = monotonic();
    const cpuMs = new Map(rows.map((row) => [row.pid, row.cpuMs]));
    const metrics: Metrics = {
      memoryMb: Math.round(rows.reduce((sum, row) => sum + row.memoryBytes, 0) / 1024 ** 2),
      processes: rows.length,
      diskPercent: await diskPercent(this.#folder),
    };
    if (this.#last && at > this.#last.at) {
      // Per process, so one that ended in between cannot make the sum go back.
      let spent = 0;
      for (const [pid, ms] of cpuMs) spent += Math.max(0, ms - (this.#last.cpuMs.get(pid) ?? 0));
      metrics.cpuPercent = Math.min(1_000, Math.round((1_000 * spent) / (at - this.#last.at)) / 10);
    }
    this.#last = { at, cpuMs };
    return metrics;
  }
}

export async function diskPercent(folder: string): Promise<number> {
  const { blocks, bavail, bfree } = await statfs(folder);
  const used = blocks - bfree;
  // As df counts it: of what an ordinary user could have.
  return used + bavail === 0 ? 0 : Math.round((1_000 * used) / (used + bavail)) / 10;
}
