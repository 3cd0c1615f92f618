/** What an entry of the activity feed says in words, and where its subject can be seen. */

import type { Schemas } from "../../api/client";

const PAST: Record<string, string> = {
  begun: "began",
  bulk: "changed",
  overdue: "became overdue",
};

/** "Ada published agent Linden Dental". */
export function sentence(entry: Schemas["Activity"]): string {
  const [kind = "", verb = ""] = entry.action.split(".");
  const who = entry.actor_name || entry.actor || "AgentHub";
  return `${who} ${PAST[verb] ?? verb.replace(/_/g, " ")} ${kind.replace(/_/g, " ")} ${entry.name || entry.subject}`;
}

const PATHS: Record<string, (id: string) => string> = {
  agent: (id) => `/agents/${id}`,
  widget: (id) => `/widgets/${id}`,
  conversation: (id) => `/conversations/${id}`,
  invoice: (id) => `/billing/invoices/${id}`,
  webhook: () => "/settings?tab=webhooks",
  api_key: () => "/settings?tab=keys",
  member: () => "/settings?tab=members",
  invitation: () => "/settings?tab=members",
  workspace: () => "/settings",
  billing: () => "/billing",
  budget: () => "/billing?tab=caps",
  payment: () => "/billing?tab=payments",
};

/** The page of a thing; undefined where it has none. */
export const pathOf = (kind: string, id: string): string | undefined => PATHS[kind]?.(id);

/** The page of what the entry is about; undefined where there is none. */
export function subjectPath(entry: Schemas["Activity"]): string | undefined {
  return entry.action.endsWith(".deleted") || entry.action.endsWith(".erased") ? undefined : pathOf(entry.kind, entry.subject);
}
