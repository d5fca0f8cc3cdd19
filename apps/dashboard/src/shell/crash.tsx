import { Component, type ReactNode } from 'react';
import { Button } from '../parts/button.tsx';
import { CopyButton } from '../parts/copy-button.tsx';
import { Page, PageHead } from '../parts/page.tsx';
import { shellWords as words } from '../words/shell.ts';

/** What breaks below it is told there; the rest of the console goes on. */
export class CrashBoundary extends Component<{ children: ReactNode }, { broken: { error: unknown } | undefined }> {
  override state: { broken: { error: unknown } | undefined } = { broken: undefined };

  static getDerivedStateFromError(error: unknown): { broken: { error: unknown } } {
    return { broken: { error } };
  }

  override render(): ReactNode {
    const { broken } = this.state;
    return broken ? <Crash error={broken.error} /> : this.props.children;
  }
}

/** In place of a page that threw. */
function Crash({ error }: { error: unknown }): ReactNode {
  const told = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return (
    <Page>
      <PageHead title={words.crashTitle} />
      <p>{words.crashDetail}</p>
      <p className="row">
        <Button variant="primary" onClick={() => location.reload()}>
          {words.crashReload}
        </Button>
        <CopyButton text={told} />
      </p>
      <pre className="crash-told">{told}</pre>
    </Page>
  );
}
