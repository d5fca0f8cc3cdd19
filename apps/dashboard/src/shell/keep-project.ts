import { recall, remember } from './preferences.ts';

/**
 * Before anything else: a page that is opened without a project shows the one this person chose last, and its address says so.
 * An empty one in the address forgets that choice.
 */
export function keepProject(): void {
  const params = new URLSearchParams(location.search);
  const named = params.get('project');
  if (named === '') {
    remember('project', undefined);
    params.delete('project');
  } else if (named === null) {
    const liked = recall('project');
    if (liked === undefined) return;
    params.set('project', liked);
  } else return;
  const text = params.toString();
  history.replaceState(history.state, '', `${location.pathname}${text === '' ? '' : `?${text}`}${location.hash}`);
}
