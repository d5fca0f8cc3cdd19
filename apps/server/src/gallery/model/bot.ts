import type {
  ActKind,
  BotCaps,
  DesiredState,
  GalleryBotState,
  Gate,
  Persona,
  PhaseOut,
  ProvisionState,
  TargetCapabilities,
  Traits,
} from '@muster/protocol';

/* Rows as the gallery reads them. Times are epoch ms, ids as in the tables. */

export type FleetRow = {
  projectId: string;
  seed: number;
  gate: Gate;
  mind: string | null;
  fallbackMind: string | null;
  botCaps: BotCaps;
};

export type TargetRow = {
  projectId: string;
  id: string;
  kind: 'sandbox' | 'floimg';
  title: string;
  baseUrl: string;
  dialect: 'showcase' | 'gallery-v0';
  capabilities: TargetCapabilities;
  rps: number;
  concurrency: number;
  quietList: readonly string[];
  banned: readonly string[];
  captionFooter: string | null;
  deprovisionOnDelete: boolean;
  phaseOut: PhaseOut | null;
  share: number;
  acknowledged: boolean;
  gate: Gate;
};

export type PersonaRow = { id: string; version: number; body: Persona; builtIn: boolean };

export type BotRow = {
  id: string;
  projectId: string;
  shard: number;
  name: string;
  username: string;
  targetId: string;
  personaId: string | null;
  disclosureLabel: string;
  traits: Partial<Traits>;
  caps: BotCaps | null;
  seed: number;
  desired: DesiredState;
  state: GalleryBotState;
  reason: string | null;
  sleepUntil: number | null;
  retryAt: number | null;
  failures: number;
  nextThinkAt: number | null;
  thinkNo: number;
  generation: number;
  provision: ProvisionState;
  counts: Readonly<Record<ActKind, number>>;
  createdAt: number;
};

/** With what the persona and the fleet say where the bot says nothing. */
export type EffectiveTraits = Traits;
