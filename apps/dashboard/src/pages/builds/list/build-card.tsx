import type { BuildSummary } from '@muster/protocol';
import { State } from '../../../parts/state.tsx';
import type { CardContent } from '../../../parts/table-cards.tsx';
import { Text } from '../../../parts/text.tsx';
import { Time } from '../../../parts/time.tsx';
import { Why } from '../why.tsx';

/** A build where rows become cards. */
export const buildCard = (build: BuildSummary): CardContent => ({
  lead: <State kind="build" state={build.state} />,
  title:
    build.name === null ? <span className="mono">{build.id.slice(-8)}</span> : <Text value={build.name} max={60} />,
  sub: <Why build={build} />,
  end: <Time at={build.submittedAt} />,
});
