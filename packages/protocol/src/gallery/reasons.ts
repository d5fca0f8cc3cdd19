import type { Attribution } from '../builds/reasons.ts';

/** Why a bot waits, and who caused it. `docs/operate/troubleshooting.md` has a section each. */
export const galleryWaitingReasons = {
  provisioning: 'system',
  outside_active_hours: 'user',
  bot_budget: 'user',
  fleet_budget: 'user',
  target_fleet_daily_budget: 'host',
  target_fleet_monthly_budget: 'host',
  target_agent_daily_limit: 'host',
  target_agent_monthly_limit: 'host',
  target_fleet_paused: 'host',
  target_rate_limited: 'host',
  target_unreachable: 'host',
  target_unauthorized: 'host',
  target_not_acknowledged: 'user',
  target_held: 'user',
  phased_out: 'user',
  panic: 'user',
  backoff: 'system',
  mind_unavailable: 'host',
  capacity: 'system',
  draining: 'system',
  no_owner: 'system',
  restoring: 'system',
} as const satisfies Record<string, Attribution>;
export type GalleryWaitingReason = keyof typeof galleryWaitingReasons;

/** Why a think ended without an act: the rules of the fleet. */
export const skipReasons = [
  'near_duplicate',
  'own_item',
  'already_liked',
  'spacing',
  'pile_on',
  'thread_depth',
  'quiet',
  'nothing_to_react_to',
  'item_gone',
] as const;
export type SkipReason = (typeof skipReasons)[number];

/** Why a text was refused, whoever wrote it. */
export const guardReasons = [
  'empty',
  'too_long',
  'wrong_language',
  'markup',
  'contains_url',
  'contains_contact',
  'banned_term',
  'moderated',
  'claims_human',
  'refusal',
  'instruction_echo',
] as const;
export type GuardReason = (typeof guardReasons)[number];

export const galleryFailures = {
  target_forbidden: 'host',
  target_invalid: 'host',
  target_contract: 'host',
  bad_response: 'host',
  redirect_refused: 'host',
  target_no_token: 'user',
  image_failed: 'system',
  image_outcome_unknown: 'host',
  mind_invalid: 'host',
  price_unknown: 'user',
  config_invalid: 'user',
  internal: 'system',
} as const satisfies Record<string, Attribution>;
export type GalleryFailure = keyof typeof galleryFailures;
