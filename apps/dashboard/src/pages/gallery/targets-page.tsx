import type { GalleryTarget } from '@muster/protocol';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { useMay } from '../../api/me.ts';
import { Button } from '../../parts/button.tsx';
import { searchOf, text } from '../../parts/search.ts';
import { useSearch } from '../../parts/use-search.ts';
import { targetWords as words } from '../../words/gallery-running.ts';
import { GalleryArea } from './area.tsx';
import { targetsQuery } from './data.ts';
import { Loaded } from './loaded.tsx';
import { SandboxPanel } from './sandbox-panel.tsx';
import { TargetDialog } from './target-dialog.tsx';
import { TargetPanel } from './target-panel.tsx';

const search = searchOf({ target: text(60) });

/** Galleries bots may live on, who answers for them, and how they are. */
export function TargetsPage(): ReactNode {
  const query = useQuery(targetsQuery(useClient()));
  const { values } = useSearch(search);
  const admin = useMay('gallery:admin');
  const [adding, setAdding] = useState(false);
  // The one a link asked for stands first.
  const inOrder = (targets: readonly GalleryTarget[]): GalleryTarget[] =>
    targets.toSorted((a, b) => Number(b.id === values.target) - Number(a.id === values.target));
  return (
    <GalleryArea
      current="targets"
      title={words.title}
      line={<span className="text-soft">{words.note}</span>}
      actions={
        <Button variant="primary" disabledReason={admin.reason} onClick={() => setAdding(true)}>
          {words.add}
        </Button>
      }
    >
      <Loaded query={query}>
        {(targets) => (
          <div className="stack">
            {inOrder(targets).map((target) => (
              <div key={target.id} className="stack">
                <TargetPanel target={target} />
                {target.kind === 'sandbox' ? <SandboxPanel /> : null}
              </div>
            ))}
          </div>
        )}
      </Loaded>
      {adding ? <TargetDialog onClose={() => setAdding(false)} /> : null}
    </GalleryArea>
  );
}
