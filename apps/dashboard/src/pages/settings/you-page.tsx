import type { ReactNode } from 'react';
import { useMe } from '../../api/me.ts';
import { Facts } from '../../parts/facts.tsx';
import { Page, PageHead } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Text } from '../../parts/text.tsx';
import { settingsWords } from '../../words/settings.ts';
import { ChangePassword } from './change-password.tsx';
import { SecondFactor } from './second-factor.tsx';
import { SettingsTabs } from './settings-tabs.tsx';
import { SignIns } from './sign-ins.tsx';
import { useAct } from './use-act.tsx';

const w = settingsWords.you;

/** Whoever sits before this page: where they are signed in, and by what. */
export function YouPage(): ReactNode {
  const me = useMe();
  const { act, asking } = useAct();
  return (
    <Page>
      <PageHead title={w.title} tabs={<SettingsTabs />} />
      <Panel>
        <Facts
          items={[
            { label: w.name, value: <Text value={me.name} /> },
            { label: w.email, value: <Text value={me.email} /> },
            { label: w.role, value: me.role ?? '–' },
            { label: w.installation, value: me.installationAdmin ? w.installationAdmin : w.installationNot },
          ]}
        />
      </Panel>
      <SignIns act={act} />
      <SecondFactor act={act} />
      <ChangePassword act={act} />
      {asking}
    </Page>
  );
}
