import { type ReactNode, useState } from 'react';
import { Button, ButtonLink } from '../parts/button.tsx';
import { Field } from '../parts/field.tsx';
import { Input } from '../parts/input.tsx';
import { Page, PageHead } from '../parts/page.tsx';
import { shellWords as words } from '../words/shell.ts';
import { openPalette } from './palette-host.tsx';
import { useTitle } from './use-title.ts';

/** For paths and ids that lead nowhere: a way on instead of a dead end. */
export function NotFound({ detail = words.notFoundDetail }: { detail?: string }): ReactNode {
  const [text, setText] = useState('');
  useTitle(words.notFoundTitle);
  return (
    <Page>
      <PageHead title={words.notFoundTitle} />
      <p>{detail}</p>
      <form
        className="not-found-search"
        onSubmit={(event) => {
          event.preventDefault();
          openPalette(text);
        }}
      >
        <Field label={words.notFoundSearch}>
          <Input type="search" value={text} onChange={setText} />
        </Field>
        <Button type="submit" variant="primary">
          {words.notFoundSearch}
        </Button>
        <ButtonLink to="/">{words.notFoundHome}</ButtonLink>
      </form>
    </Page>
  );
}
