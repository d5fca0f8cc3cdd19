import { Readable } from 'node:stream';
import type { Page } from '@muster/protocol';
import { type AuditFilter, type AuditRow, defaultProjectId, type Principal, readAudit } from '#kernel/auth';
import { invalid } from '#kernel/base';
import type { AccountsDeps, Asker } from './deps.ts';
import { accountsLimits } from './limits.ts';
import { notInstallationAdmin } from './people/index.ts';
import { showAudit } from './shapes.ts';

type Filter = Omit<AuditFilter, 'projectId'> & { of: 'project' | 'installation' };

/** Whose rows are meant. What concerns no project is for those who look after the installation. `forbidden` `not_installation_admin`. */
function rowsOf(who: Principal, { of, ...filter }: Filter): AuditFilter {
  if (of === 'project') return { ...filter, projectId: who.projectId };
  const mayLook = who.kind === 'person' ? who.installationAdmin : who.projectId === defaultProjectId;
  if (!mayLook) throw notInstallationAdmin();
  return { ...filter, projectId: null };
}

/** One page of what happened in the asker's project, newest first. */
export async function listAudit(
  { db, auth }: AccountsDeps,
  { who }: Asker,
  filter: Filter,
  page: { limit: number; cursor?: string | undefined },
): Promise<Page<ReturnType<typeof showAudit>>> {
  auth.requireScope(who, 'accounts:admin');
  const rows = await readAudit(
    db,
    rowsOf(who, filter),
    page.cursor === undefined ? undefined : readCursor(page.cursor),
    page.limit + 1,
  );
  const items = rows.slice(0, page.limit);
  const last = items.at(-1);
  return { items: items.map(showAudit), nextCursor: rows.length > page.limit && last ? cursorOf(last) : null };
}

/** The same as one JSON object per line, read in pages, at most 100,000. */
export function exportAudit({ db, auth }: AccountsDeps, { who }: Asker, filter: Filter): Readable {
  auth.requireScope(who, 'accounts:admin');
  const rowsWanted = rowsOf(who, filter);
  async function* lines(): AsyncGenerator<string, void, void> {
    let last: AuditRow | undefined;
    for (let sent = 0; sent < accountsLimits.exportRowsMax; ) {
      const rows = await readAudit(db, rowsWanted, last && { at: last.at, id: last.id }, accountsLimits.exportPageRows);
      if (rows.length === 0) return;
      yield rows.map((row) => `${JSON.stringify(showAudit(row))}\n`).join('');
      sent += rows.length;
      last = rows.at(-1);
    }
  }
  return Readable.from(lines());
}

const cursorOf = (row: AuditRow): string =>
  Buffer.from(JSON.stringify([row.at.getTime(), row.id])).toString('base64url');

function readCursor(cursor: string): { at: Date; id: string } {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(parsed) && typeof parsed[0] === 'number' && typeof parsed[1] === 'string')
      return { at: new Date(parsed[0]), id: parsed[1] };
  } catch {
    // Falls through: any damage is the same to the caller.
  }
  throw invalid('bad_cursor', 'This cursor does not come from a list of the audit.');
}
