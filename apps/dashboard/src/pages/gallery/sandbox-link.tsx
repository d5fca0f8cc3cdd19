import type { ReactNode } from 'react';
import { serverPage } from '../../api/place.ts';
import { ButtonLink } from '../../parts/button.tsx';
import { galleryWords as words } from '../../words/gallery.ts';

export const sandboxHref = (path = ''): string => serverPage(`/sandbox${path}`);
export const postHref = (itemId: string): string => sandboxHref(`/i/${encodeURIComponent(itemId)}`);
export const profileHref = (username: string): string => sandboxHref(`/u/${encodeURIComponent(username)}`);

/** The gallery built in here, in a tab of its own: it is no part of the console. */
export const SandboxLink = (): ReactNode => (
  <ButtonLink href={sandboxHref()} target="_blank" rel="noopener" size="s">
    {words.openSandbox}
  </ButtonLink>
);

export const PostLink = ({ itemId, className = '' }: { itemId: string; className?: string }): ReactNode => (
  <a href={postHref(itemId)} target="_blank" rel="noopener" className={`inline-flex min-h-6 items-center ${className}`}>
    {words.openPost}
  </a>
);
