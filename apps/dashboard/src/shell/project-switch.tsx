import { ChevronsUpDown } from 'lucide-react';
import type { ReactNode } from 'react';
import { useMe } from '../api/me.ts';
import { Menu } from '../parts/menu.tsx';
import { useNav } from '../parts/nav.tsx';
import { plain } from '../parts/plain.ts';
import { shellWords as words } from '../words/shell.ts';
import { remember } from './preferences.ts';

/** Which project is shown; with one alone there is nothing to switch. */
export function ProjectSwitch(): ReactNode {
  const { projects, projectId } = useMe();
  const nav = useNav();
  const here = projects.find(({ id }) => id === projectId);
  const name = plain(here?.name ?? '', 40);
  if (projects.length < 2) return <span className="project clip">{name}</span>;
  const go = (id: string): void => {
    remember('project', id);
    // What is open is of the project that is left; its overview is the same page in every project.
    nav.navigate(`/?project=${encodeURIComponent(id)}`);
  };
  return (
    <Menu
      label={`${words.projectSwitch}: ${name}`}
      align="start"
      variant="quiet"
      iconEnd={<ChevronsUpDown aria-hidden />}
      items={projects.map((project) => ({
        key: project.id,
        label: plain(project.name, 60),
        hint: project.archived ? words.archived : undefined,
        checked: project.id === projectId,
        onSelect: () => go(project.id),
      }))}
    >
      <span className="project clip">{name}</span>
    </Menu>
  );
}
