import { covers, type FeedArea, type Scope } from '@muster/protocol';
import type { Principal } from '#kernel/auth';

/** What it takes to see an area's news: that of the audit log for changes of people and of streams. */
export const scopeOfArea: Readonly<Record<FeedArea, Scope>> = {
  builds: 'builds:read',
  gallery: 'gallery:read',
  streams: 'accounts:admin',
  people: 'accounts:admin',
};

const scopesHeld = (who: Principal): readonly Scope[] =>
  who.kind === 'key' || who.kind === 'person' ? who.scopes : [];

export const maySee = (who: Principal, scope: Scope): boolean =>
  who.kind === 'system' || covers(scopesHeld(who), scope);
