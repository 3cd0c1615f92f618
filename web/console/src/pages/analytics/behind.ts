/** The way down from a figure: the conversations that it is made of, where their list can show just those. */

import { withQuery } from "../../routing";
import type { Cut } from "./cut";
import type { Name } from "./figures";

/** The conversations behind what is shown, on its days or on one of them. Models, industries and versions are no filter there. */
export function conversationsOf(cut: Cut, more: Record<string, string | undefined> = {}): string {
  const { filter, of } = cut;
  return `#${withQuery("/conversations", { from: cut.span.from, to: cut.span.to, agent: of, channel: filter?.by === "channel" ? filter.key : undefined, ...more })}`;
}

/**
 * What is behind a figure, where the list of conversations can show just that: those of the span are what turns, tokens
 * and money are made of. Nothing lists conversations by thumbs or by how long an answer took.
 */
const BEHIND: Partial<Record<Name, Record<string, string>>> = {
  conversations: {},
  turns: {},
  turns_per_conversation: {},
  charge: {},
  cost: {},
  charge_per_conversation: {},
  cost_per_conversation: {},
  input_tokens: {},
  cached_input_tokens: {},
  output_tokens: {},
  reasoning_tokens: {},
  visitors: { channel: "widget" },
  returning_visitors: { channel: "widget" },
  errors: { outcome: "failed" },
  error_rate: { outcome: "failed" },
  hand_offs: { handed: "yes" },
  hand_off_rate: { handed: "yes" },
  resolved: { resolved: "yes" },
  resolution_rate: { resolved: "yes" },
  leads: { lead: "yes" },
  rating: { rating: "1-5" },
  ratings: { rating: "1-5" },
};

export function behind(name: Name, cut: Cut, more: Record<string, string> = {}): string | undefined {
  const found = BEHIND[name];
  // The list knows agents and channels; only a widget has visitors.
  const possible = !cut.filter || cut.filter.by === "agent" || (cut.filter.by === "channel" && (found?.channel ?? cut.filter.key) === cut.filter.key);
  return found && possible ? conversationsOf(cut, { ...found, ...more }) : undefined;
}
