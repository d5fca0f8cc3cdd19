/**
 * Named points where crash tests stop the world: production code says `reach('submit.committed')`, and unless a test
 * armed that name the call is one look-up in an empty map.
 */
const armed = new Map<string, () => void | Promise<void>>();

export function reach(point: string): void | Promise<void> {
  return armed.size === 0 ? undefined : armed.get(point)?.();
}

/** Runs `action` whenever `point` is reached. For tests and for the crash child only. */
export function arm(point: string, action: () => void | Promise<void>): Disposable {
  armed.set(point, action);
  return { [Symbol.dispose]: () => void armed.delete(point) };
}
