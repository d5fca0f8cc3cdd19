import type { GalleryFleet } from '@muster/protocol';
import type { ReactNode } from 'react';
import { Badge } from '../../parts/badge.tsx';
import { duration } from '../../parts/format.ts';
import { Link } from '../../parts/nav.tsx';
import { galleryWords } from '../../words/gallery.ts';

const words = galleryWords.badges;
const lagShownMs = 1_000;

/** What must not be overlooked on any page of the gallery; each leads to where it is mended. */
export function FleetBadges({ fleet }: { fleet: GalleryFleet }): ReactNode {
  const { mind, targets, runtime } = fleet;
  return (
    <>
      {mind.offline ? (
        <Link to="/gallery/minds" className="quiet-link">
          <Badge hint={words.offlineHint}>{words.offline}</Badge>
        </Link>
      ) : null}
      {mind.degraded === null ? null : (
        <Link to="/gallery/minds" className="quiet-link">
          <Badge tone="warn" hint={words.degradedHint}>
            {words.degraded(mind.degraded)}
          </Badge>
        </Link>
      )}
      {targets.map(({ id, kind, acknowledged, gate }) => (
        <span key={id} className="contents">
          {kind !== 'sandbox' && !acknowledged ? (
            <Link to={`/gallery/targets?target=${id}`} className="quiet-link">
              <Badge tone="warn" hint={words.unacknowledgedHint}>
                {words.unacknowledged(id)}
              </Badge>
            </Link>
          ) : null}
          {gate.state === 'open' ? null : (
            <Link to={`/gallery/targets?target=${id}`} className="quiet-link">
              <Badge tone={gate.state === 'tripped' ? 'failed' : 'warn'} hint={gate.reason ?? undefined}>
                {words.gate(id, gate.state)}
              </Badge>
            </Link>
          )}
        </span>
      ))}
      {runtime.restoring ? (
        <Badge tone="waiting" hint={words.restoringHint}>
          {words.restoring(runtime.restoring.done, runtime.restoring.of)}
        </Badge>
      ) : null}
      {runtime.lagMs > lagShownMs ? <Badge tone="warn">{words.lag(duration(runtime.lagMs))}</Badge> : null}
    </>
  );
}
