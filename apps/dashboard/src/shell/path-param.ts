import { createContext, useContext } from 'react';

export const PathContext: React.Context<Readonly<Record<string, string>>> = createContext<
  Readonly<Record<string, string>>
>({});

/** A part of the address, such as `id` of `/builds/:id`; `*` is the rest of a path. Decoded. */
export const usePathParam = (name: string): string => useContext(PathContext)[name] ?? '';
