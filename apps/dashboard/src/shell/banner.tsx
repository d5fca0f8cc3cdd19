import { TriangleAlert } from 'lucide-react';
import { type ReactNode, useSyncExternalStore } from 'react';
import { signedOut } from '../api/news.ts';
import { signInHref } from '../api/place.ts';
import { useOverview } from '../live/overview.ts';
import { useLive, usePill } from '../live/use-live.ts';
import { ButtonLink } from '../parts/button.tsx';
import { duration } from '../parts/format.ts';
import { usePlace } from '../parts/nav.tsx';
import { Text } from '../parts/text.tsx';
import { liveWords, shellWords as words } from '../words/shell.ts';

const clockOffMs = 5000;

/** Above the content when something concerns every page: that all is made up, and the most pressing line. */
export function Banner(): ReactNode {
  const { data } = useOverview();
  return (
    <>
      {data?.demo === true ? (
        <p className="demo-bar" role="note">
          <strong>{words.demo}</strong> {words.demoSays}
        </p>
      ) : null}
      <Pressing />
    </>
  );
}

function Pressing(): ReactNode {
  const nobody = useSyncExternalStore(signedOut.subscribe, signedOut.get);
  const pill = usePill();
  const { clock } = useLive();
  const { data } = useOverview();
  const { pathname } = usePlace();
  const pressing = data?.needsPerson.find(({ severity }) => severity === 'bad');
  if (nobody) {
    return (
      <Line
        action={
          <ButtonLink size="s" href={signInHref()}>
            {words.signIn}
          </ButtonLink>
        }
      >
        {words.signedOutBanner}
      </Line>
    );
  }
  if (pill.kind === 'draining') return <Line>{liveWords.says.draining}</Line>;
  // The overview tells it itself.
  if (pressing && pathname !== '/') {
    return (
      <Line
        action={
          <ButtonLink size="s" to={pressing.path}>
            {words.bannerOpen}
          </ButtonLink>
        }
      >
        <Text value={pressing.sentence} />
      </Line>
    );
  }
  if (Math.abs(clock.offsetMs) > clockOffMs) return <Line>{words.clockOff(duration(Math.abs(clock.offsetMs)))}</Line>;
  return null;
}

const Line = ({ action, children }: { action?: ReactNode; children: ReactNode }): ReactNode => (
  <div className="banner" role="status">
    <TriangleAlert aria-hidden size={16} />
    <span className="banner-words">{children}</span>
    {action}
  </div>
);
