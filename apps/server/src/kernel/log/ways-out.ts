/** What an operator types when a log does not start; said at the end of every such refusal. */
export const whatToType =
  '`muster log inspect` shows what is there and what would be lost; `muster log accept-loss` accepts it (docs/operate/repair.md).';
