import type { AuditEntry } from '@muster/protocol';
import { Download } from 'lucide-react';
import { type ReactNode, useMemo, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { useMay } from '../../api/me.ts';
import { usePages } from '../../api/pages.ts';
import { Button } from '../../parts/button.tsx';
import { Diff } from '../../parts/diff.tsx';
import { Drawer } from '../../parts/drawer.tsx';
import { EmptyState, NoRight } from '../../parts/empty-state.tsx';
import { Facts } from '../../parts/facts.tsx';
import { FilterBar } from '../../parts/filter-bar.tsx';
import { Page, PageHead } from '../../parts/page.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { saveFile } from '../../parts/save-file.ts';
import { oneOf, searchOf, text } from '../../parts/search.ts';
import { Segmented } from '../../parts/segmented.tsx';
import { Sign } from '../../parts/state.tsx';
import { type Column, DataTable } from '../../parts/table.tsx';
import { Text } from '../../parts/text.tsx';
import { Time } from '../../parts/time.tsx';
import { tip } from '../../parts/tips.ts';
import { useSearch } from '../../parts/use-search.ts';
import { settingsWords } from '../../words/settings.ts';
import { SettingsTabs } from './settings-tabs.tsx';
import { useAct } from './use-act.tsx';

const w = settingsWords.audit;
const outcomes = ['done', 'refused'] as const;
const scopes = ['project', 'installation'] as const;
const auditSearch = searchOf({
  of: oneOf(scopes),
  action: text(100),
  actor: text(100),
  subject: text(100),
  outcome: oneOf(outcomes),
});

const columns: Column<AuditEntry>[] = [
  { key: 'at', head: w.at, width: '120px', cell: ({ at }) => <Time at={at} /> },
  {
    key: 'action',
    head: w.what,
    main: true,
    fixed: true,
    width: 'minmax(160px,1fr)',
    cell: ({ action }) => <span className="clip">{action}</span>,
  },
  {
    key: 'subject',
    head: w.on,
    width: 'minmax(160px,1fr)',
    mono: true,
    cell: ({ subject }) => <Text value={subject} mono max={80} />,
  },
  {
    key: 'who',
    head: w.who,
    width: 'minmax(160px,1fr)',
    mono: true,
    cell: ({ actor }) => <Text value={actor} mono max={80} />,
  },
  {
    key: 'outcome',
    head: w.outcome,
    width: '110px',
    cell: ({ outcome }) => <Sign tone={outcome === 'done' ? 'done' : 'failed'}>{w[outcome]}</Sign>,
  },
  { key: 'from', head: w.from, width: '130px', cell: ({ address }) => <Text value={address ?? '–'} mono /> },
];

/** Who changed what. */
export function AuditPage(): ReactNode {
  const client = useClient();
  const admin = useMay('accounts:admin');
  const installation = useMay('installation');
  const { values, invalid, set, drop, clear } = useSearch(auditSearch);
  const { act, busy } = useAct();
  const [open, setOpen] = useState<AuditEntry>();
  const { of, action, actor, subject, outcome } = values;
  const filter = useMemo(
    () => ({
      ...(of === undefined ? {} : { of }),
      ...(action === undefined ? {} : { action }),
      ...(actor === undefined ? {} : { actor }),
      ...(subject === undefined ? {} : { subject }),
      ...(outcome === undefined ? {} : { outcome }),
    }),
    [of, action, actor, subject, outcome],
  );
  const entries = usePages<AuditEntry>({
    key: ['accounts', 'audit', filter],
    read: (page, signal) => client.accounts.audit({ ...filter, ...page }, signal),
    enabled: admin.may,
  });
  const save = async (): Promise<void> => {
    const lines = await act(() => client.accounts.exportAudit(filter));
    if (lines) saveFile('audit.ndjson', lines);
  };
  if (!admin.may) {
    return (
      <Page>
        <PageHead title={w.title} tabs={<SettingsTabs />} />
        <NoRight scope="accounts:admin" />
      </Page>
    );
  }
  return (
    <Page fill>
      <PageHead
        title={w.title}
        actions={
          <span {...tip(w.exportHint)}>
            <Button icon={<Download aria-hidden />} busy={busy} onClick={() => void save()}>
              {w.export}
            </Button>
          </span>
        }
        tabs={<SettingsTabs />}
      >
        <p className="text-soft">{w.lead}</p>
      </PageHead>
      <FilterBar
        keys={[
          {
            key: 'outcome',
            label: w.filters.outcome,
            one: true,
            options: outcomes.map((value) => ({ value, label: w[value] })),
          },
          { key: 'action', label: w.filters.action, one: true },
          { key: 'actor', label: w.filters.actor, one: true },
          { key: 'subject', label: w.filters.subject, one: true },
        ]}
        values={{
          outcome: outcome === undefined ? [] : [outcome],
          action: action === undefined ? [] : [action],
          actor: actor === undefined ? [] : [actor],
          subject: subject === undefined ? [] : [subject],
        }}
        onChange={(key, [next]) => set({ [key]: next })}
        invalid={invalid}
        onDrop={drop}
        onClear={clear}
        end={
          installation.may ? (
            <Segmented
              label={w.of}
              value={of ?? 'project'}
              onChange={(next) => set({ of: next === 'installation' ? 'installation' : undefined })}
              options={[
                { value: 'project', label: w.ofProject },
                { value: 'installation', label: w.ofInstallation },
              ]}
            />
          ) : null
        }
      />
      {entries.problem ? (
        <ProblemPanel
          problem={entries.problem}
          onRetry={entries.retry}
          {...(entries.lastGoodAt === undefined ? {} : { lastGoodAt: entries.lastGoodAt })}
        />
      ) : null}
      <DataTable<AuditEntry>
        label={w.title}
        columns={columns}
        rows={entries.rows}
        rowKey={({ id }) => id}
        height="fill"
        loading={entries.loading}
        more={entries.more}
        rowMenu={(entry) => [{ key: 'open', label: w.change, onSelect: () => setOpen(entry) }]}
        card={(entry) => ({
          lead: <Sign tone={entry.outcome === 'done' ? 'done' : 'failed'}>{w[entry.outcome]}</Sign>,
          title: entry.action,
          sub: <Text value={`${entry.actor} · ${entry.subject}`} max={120} />,
          end: <Time at={entry.at} />,
        })}
        empty={<EmptyState title={w.emptyTitle} />}
      />
      <Drawer open={open !== undefined} onClose={() => setOpen(undefined)} title={open?.action ?? ''} width="l">
        {open ? <Entry of={open} /> : null}
      </Drawer>
    </Page>
  );
}

function Entry({ of }: { of: AuditEntry }): ReactNode {
  const changed = of.before !== null || of.after !== null;
  return (
    <div className="stack">
      <Facts
        items={[
          { label: w.at, value: <Time at={of.at} show="exact" /> },
          { label: w.who, value: <Text value={of.actor} mono /> },
          { label: w.on, value: <Text value={of.subject} mono /> },
          { label: w.outcome, value: w[of.outcome] },
          { label: w.from, value: <Text value={of.address ?? '–'} mono /> },
          { label: w.request, value: <Text value={of.requestId ?? '–'} mono /> },
        ]}
      />
      {changed ? (
        <Diff label={w.change} before={of.before} after={of.after} names={[w.before, w.after]} />
      ) : (
        <p className="text-soft">{w.nothing}</p>
      )}
    </div>
  );
}
