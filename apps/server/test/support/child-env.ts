/**
 * What a child of a test is started with: none of the settings around it, and where Node keeps compiled sources, because
 * most of what a short life costs is compiling them again.
 */
export function childEnv(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const kept = ['PATH', 'HOME', 'NODE_COMPILE_CACHE'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(kept), ...more };
}
