import type { GalleryPersona } from '@muster/protocol';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { useMay } from '../../api/me.ts';
import { Badge } from '../../parts/badge.tsx';
import { Button } from '../../parts/button.tsx';
import { count } from '../../parts/format.ts';
import { Link } from '../../parts/nav.tsx';
import { saveFile } from '../../parts/save-file.ts';
import { type Column, DataTable } from '../../parts/table.tsx';
import type { CardContent } from '../../parts/table-cards.tsx';
import { Text } from '../../parts/text.tsx';
import { botsCount } from '../../words/gallery.ts';
import { personaWords as words } from '../../words/gallery-personas.ts';
import { useAct } from './act.ts';
import { GalleryArea } from './area.tsx';
import { personasQuery } from './data.ts';
import { Loaded } from './loaded.tsx';
import { MixBar } from './mix-bar.tsx';
import { CloneDialog, DeleteDialog, ImportDialog } from './persona-dialogs.tsx';

const columns: readonly Column<GalleryPersona>[] = [
  {
    key: 'id',
    head: words.columns.id,
    width: 'minmax(180px,1.4fr)',
    fixed: true,
    main: true,
    cell: ({ id, title }) => (
      <span className="clip block">
        <span className="font-medium">{id}</span> <Text value={title} max={100} className="text-soft" />
      </span>
    ),
  },
  {
    key: 'builtIn',
    head: words.builtIn,
    width: '96px',
    cell: ({ builtIn }) => (builtIn ? <Badge>{words.builtIn}</Badge> : null),
  },
  {
    key: 'mix',
    head: words.columns.mix,
    width: 'minmax(160px,1fr)',
    cell: ({ mix }) => <MixBar compact label={words.columns.mix} mix={mix} />,
  },
  {
    key: 'weight',
    head: words.columns.weight,
    width: '80px',
    align: 'end',
    cell: ({ weight }) => <span className="num">{weight}</span>,
  },
  { key: 'tier', head: words.columns.tier, width: '80px', cell: ({ tier }) => tier },
  {
    key: 'zone',
    head: words.columns.zone,
    width: '152px',
    cell: ({ timezone }) => <span className="clip block">{timezone}</span>,
  },
  { key: 'language', head: words.columns.language, width: '88px', hidden: true, cell: ({ language }) => language },
  {
    key: 'bots',
    head: words.columns.bots,
    width: '72px',
    align: 'end',
    cell: ({ id, bots }) => (
      <Link to={`/gallery/bots?persona=${id}`} className="num">
        {count(bots)}
      </Link>
    ),
  },
  {
    key: 'version',
    head: words.columns.version,
    width: '80px',
    align: 'end',
    cell: ({ version }) => <span className="num">{version}</span>,
  },
];

const personaCard: (row: GalleryPersona) => CardContent = ({ id, title, tier, bots }) => ({
  lead: <Badge>{tier}</Badge>,
  title: id,
  sub: <Text value={title} max={100} />,
  end: botsCount(bots),
});

type Doing = { what: 'clone' | 'delete'; persona: GalleryPersona };

/** The archetypes of this project. */
export function PersonasPage(): ReactNode {
  const client = useClient();
  const query = useQuery(personasQuery(client));
  const operate = useMay('gallery:operate');
  const [importing, setImporting] = useState(false);
  const [doing, setDoing] = useState<Doing>();
  const [selection, setSelection] = useState<ReadonlySet<string>>(new Set());
  const take = useAct(
    (ids: readonly string[] | undefined) => client.gallery.personas.export(ids),
    (exported) => saveFile('personas.json', JSON.stringify(exported, null, 2)),
  );
  return (
    <GalleryArea
      current="personas"
      title={words.title}
      line={<span className="text-soft">{words.note}</span>}
      actions={
        <>
          <Button busy={take.isPending} onClick={() => take.mutate(undefined)}>
            {words.export}
          </Button>
          <Button variant="primary" disabledReason={operate.reason} onClick={() => setImporting(true)}>
            {words.import}
          </Button>
        </>
      }
    >
      <Loaded query={query} lines={12}>
        {(personas) => (
          <DataTable<GalleryPersona>
            label={words.label}
            columns={columns}
            rows={personas}
            rowKey={({ id }) => id}
            rowTo={({ id }) => `/gallery/personas/${id}`}
            rowLabel={({ id }) => id}
            version={({ version }) => version}
            selection={selection}
            onSelection={setSelection}
            bulk={
              <Button size="s" busy={take.isPending} onClick={() => take.mutate([...selection])}>
                {words.exportSelected(selection.size)}
              </Button>
            }
            rowMenu={(persona) => [
              {
                key: 'clone',
                label: words.clone,
                disabledReason: operate.reason,
                onSelect: () => setDoing({ what: 'clone', persona }),
              },
              { key: 'export', label: words.exportOne, onSelect: () => take.mutate([persona.id]) },
              { key: 'bots', label: words.bots, to: `/gallery/bots?persona=${persona.id}` },
              { key: 'seed', label: words.seed, to: `/gallery/bots/new?mode=seed&persona=${persona.id}` },
              {
                key: 'delete',
                label: words.delete,
                danger: true,
                disabledReason: operate.reason ?? (persona.builtIn ? words.builtInStays : undefined),
                onSelect: () => setDoing({ what: 'delete', persona }),
              },
            ]}
            card={personaCard}
          />
        )}
      </Loaded>
      {importing ? <ImportDialog onClose={() => setImporting(false)} /> : null}
      {doing?.what === 'clone' ? <CloneDialog persona={doing.persona} onClose={() => setDoing(undefined)} /> : null}
      {doing?.what === 'delete' ? <DeleteDialog persona={doing.persona} onClose={() => setDoing(undefined)} /> : null}
    </GalleryArea>
  );
}
