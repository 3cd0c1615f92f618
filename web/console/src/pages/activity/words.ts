/** What an entry of the activity feed says in words, and where its subject can be seen. */

import type { Schemas } from "../../api/client";
import { to } from "../../routing";

type Entry = Schemas["Activity"];

/** A sentence after who did it. `{name}` is the subject's name, `{after.role}` a value that was set. */
type Phrase = string | ((entry: Entry) => string);

const value = (entry: Entry, side: "before" | "after", name: string): string => {
  const found = entry[side]?.[name];
  return typeof found === "string" || typeof found === "number" ? String(found) : "";
};

/** "USD 12.34" of an entry's own amount, where it has one. */
const sum = (entry: Entry): string => [value(entry, "after", "currency"), value(entry, "after", "amount")].filter(Boolean).join(" ");
const named = (entry: Entry, before: string, without: string): string => (entry.name ? `${before} ${entry.name}` : without);
/** "taught Mia: Opening hours". */
const knowledge = (entry: Entry, verb: string, of: string): string => {
  const title = value(entry, "after", "title") || value(entry, "before", "title");
  return verb === "taught" ? `taught ${entry.name || "an agent"}${title ? `: ${title}` : " something new"}` : title ? `${verb} “${title}” in the knowledge of ${entry.name || "an agent"}` : `${of} ${entry.name || "an agent"}`;
};
/** "saw that 80 % of the cap is used", or for what turns are refused. */
const capped = (entry: Entry): string => {
  const refused = value(entry, "after", "refused");
  const cap = value(entry, "after", "agent_id") ? "the cap of an agent" : refused === "trial" ? "what may be spent before the first payment" : "the cap";
  if (refused === "hour" || refused === "day") return `asks visitors to wait: they have used their share of this ${refused}`;
  return refused ? `refuses turns: ${cap} is used up` : `saw that ${value(entry, "after", "share_percent")} % of ${cap} is used`;
};
const of = (entry: Entry): string => named(entry, " for invoice", "");

const PHRASES: Record<string, Phrase> = {
  "agent.created": (e) => named(e, "made the agent", "made an agent"),
  "agent.imported": (e) => named(e, "imported the agent", "imported an agent"),
  "agent.copied": (e) => named(e, "made the copy", "copied an agent"),
  "agent.changed": (e) => named(e, "changed the agent", "changed an agent"),
  "agent.published": (e) => named(e, "published the agent", "published an agent"),
  "agent.rolled_back": (e) => `rolled ${e.name || "an agent"} back to an earlier version`,
  "agent.activated": (e) => named(e, "activated the agent", "activated an agent"),
  "agent.paused": (e) => named(e, "paused the agent", "paused an agent"),
  "agent.archived": (e) => named(e, "archived the agent", "archived an agent"),
  "agent.deleted": (e) => named(e, "deleted the agent", "deleted an agent"),
  "agent.restored": (e) => named(e, "restored the agent", "restored an agent"),
  "checks.changed": (e) => `changed the test cases of ${e.name || "an agent"}`,
  "knowledge.added": (e) => knowledge(e, "taught", "taught"),
  "knowledge.changed": (e) => knowledge(e, "changed", "changed knowledge of"),
  "knowledge.deleted": (e) => knowledge(e, "deleted", "deleted knowledge of"),
  "widget.created": (e) => named(e, "made the widget", "made a widget"),
  "widget.changed": (e) => named(e, "changed the widget", "changed a widget"),
  "widget.deleted": (e) => named(e, "deleted the widget", "deleted a widget"),
  "widget.avatar_set": (e) => `gave the widget ${e.name} a picture`,
  "widget.avatar_removed": (e) => `took the picture of the widget ${e.name} away`,
  "widget.identity_rotated": (e) => `made a new identity secret for the widget ${e.name}`,
  "hand_off.taken": "took a hand-off",
  "hand_off.done": "finished a hand-off",
  "hand_off.waiting": "put a hand-off back to waiting",
  "lead.taken": "took a lead",
  "lead.done": "finished a lead",
  "lead.waiting": "put a lead back to waiting",
  "conversation.erased": "erased a conversation",
  "visitor.erased": "erased all that a visitor said",
  "budgets.changed": "changed the caps",
  "billing_profile.changed": (e) => named(e, "changed the billing profile:", "changed the billing profile"),
  "cap.alerted": capped,
  "plan.chosen": (e) => (value(e, "after", "plan") ? `chose the plan ${value(e, "after", "plan")}` : "chose another plan"),
  "plan.offered": (e) => named(e, "offered the plan", "offered a plan"),
  "checkout.begun": (e) => `began to pay ${sum(e) || "an invoice"}`,
  "payment.begun": (e) => `began a payment${of(e)}`,
  "payment.recorded": (e) => `recorded a payment${of(e)}`,
  "payment.received": (e) => `received a payment${of(e)}`,
  "payment.refunded": (e) => `refunded a payment${of(e)}`,
  "payment.refund_requested": (e) => `asked for the refund of a payment${of(e)}`,
  "payment.refund_failed": (e) => `could not refund a payment${of(e)}`,
  "payment.failed": (e) => `could not take a payment${of(e)}`,
  "payment.disputed": (e) => `heard that a payment${of(e)} is disputed`,
  "credit.owed": (e) => `kept what was paid too much${of(e)} as credit`,
  "credit.granted": (e) => `granted credit${sum(e) ? ` of ${sum(e)}` : ""}${e.name ? `: ${e.name}` : ""}`,
  "invoice.finalized": (e) => named(e, "finalized invoice", "finalized an invoice"),
  "invoice.credited": (e) => named(e, "issued a credit note for invoice", "issued a credit note"),
  "invoice.reissued": "made a new draft in place of a void invoice",
  "invoice.voided": (e) => named(e, "voided invoice", "voided an invoice"),
  "invoice.written_off": (e) => `gave up ${e.name ? `invoice ${e.name}` : "an invoice"} as uncollectible`,
  "usage.reported": (e) => `reported tokens that a provider had left out${e.name ? `: ${e.name}` : ""}`,
  "member.joined": "joined the workspace",
  "member.left": "left the workspace",
  "member.removed": (e) => `removed ${e.name || "a member"} from the workspace`,
  "member.changed": (e) => `made ${e.name || "a member"} ${value(e, "after", "role") || "something else"}`,
  "invitation.created": (e) => `invited ${e.name || "somebody"}${value(e, "after", "role") ? ` as ${value(e, "after", "role")}` : ""}`,
  "invitation.revoked": (e) => `revoked the invitation of ${e.name || "somebody"}`,
  "api_key.created": (e) => named(e, "made the API key", "made an API key"),
  "api_key.changed": (e) => named(e, "changed the API key", "changed an API key"),
  "api_key.rotated": (e) => `gave the API key ${e.name} a new secret`,
  "api_key.revoked": (e) => named(e, "revoked the API key", "revoked an API key"),
  "webhook.created": (e) => named(e, "made the webhook", "made a webhook"),
  "webhook.changed": (e) => named(e, "changed the webhook", "changed a webhook"),
  "webhook.deleted": (e) => named(e, "deleted the webhook", "deleted a webhook"),
  "webhook.disabled": (e) => `stopped the webhook ${e.name} because it kept failing`,
  "webhook.secret_rotated": (e) => `gave the webhook ${e.name} a new secret`,
  "workspace.created": "made the workspace",
  "workspace.changed": (e) => `changed ${fieldWords(e)} of the workspace`,
  "workspace.closed": "closed the workspace",
  "workspace.reopened": "reopened the workspace",
  "workspace.suspended": "suspended the workspace",
  "workspace.suspension_lifted": "lifted the suspension of the workspace",
  "export.requested": (e) => named(e, "asked for the export", "asked for an export"),
};

/** Every action that has words of its own, for the filter of the audit log. */
export const ACTIONS = Object.keys(PHRASES);

/** "Ada": who did it, as people say it. */
export function who(entry: Entry): string {
  if (entry.actor_name) return entry.actor_name;
  if (entry.actor.startsWith("key:")) return "A program with an API key";
  if (entry.actor.startsWith("operator:")) return "The operator";
  if (entry.actor.startsWith("visitor:")) return "A visitor";
  return entry.actor.startsWith("person:") ? "Somebody" : "AgentHub";
}

/** "took a hand-off": what was done. */
export function what(entry: Entry): string {
  const phrase = PHRASES[entry.action];
  if (phrase) return (typeof phrase === "string" ? phrase : phrase(entry)).replace(/\s+/g, " ").trim();
  // An action that is newer than this console.
  const [kind = "", verb = ""] = entry.action.split(".");
  return `${verb.replace(/_/g, " ")}: ${kind.replace(/_/g, " ")} ${entry.name || short(entry.subject)}`.trim();
}

/** "Ada published the agent Linden Dental". */
export const sentence = (entry: Entry): string => `${who(entry)} ${what(entry)}`;

/** The kind of a thing in words: "api_key" is "API key". */
export const kindWords = (kind: string): string => (kind === "api_key" ? "API key" : kind.replace(/_/g, " "));

/** An id so short that it can be told from others by eye: "cnv_…jd2q". */
export function short(id: string): string {
  return id.length > 16 ? `${/^[a-z]+_/.exec(id)?.[0] ?? ""}…${id.slice(-4)}` : id;
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
  export: () => "/exports",
};

/** The page of a thing; undefined where it has none. */
export const pathOf = (kind: string, id: string): string | undefined => PATHS[kind]?.(id);

const GONE = /\.(deleted|erased|revoked|removed)$/;

/** The page of what the entry is about; undefined where there is none. */
export function subjectPath(entry: Entry): string | undefined {
  if (GONE.test(entry.action)) return undefined;
  return entry.action === "budgets.changed" ? "/billing?tab=caps" : entry.action === "billing_profile.changed" ? "/billing?tab=profile" : pathOf(entry.kind, entry.subject);
}

/** The same as an `href`. */
export const subjectHref = (entry: Entry): string | undefined => {
  const path = subjectPath(entry);
  return path && to(path);
};

export interface FieldChange {
  /** The field in words: "alert emails", "look, accent". */
  field: string;
  before: string;
  after: string;
}

const FIELDS: Record<string, string> = { alert_emails: "alert addresses", retention_days: "retention", time_zone: "time zone", url: "address", types: "events", allowed_origins: "sites" };
const fieldName = (path: string[]): string => path.map((part) => FIELDS[part] ?? part.replace(/_/g, " ")).join(", ");
const fieldWords = (entry: Entry): string => Object.keys(entry.after ?? {}).map((name) => fieldName([name])).join(", ") || "something";

const isRecord = (found: unknown): found is Record<string, unknown> => typeof found === "object" && found !== null && !Array.isArray(found);

/** A value as people read it; nothing is a dash. */
export function shown(found: unknown): string {
  if (found === null || found === undefined || found === "") return "–";
  if (typeof found === "boolean") return found ? "yes" : "no";
  if (Array.isArray(found)) return found.length ? found.map((one) => (isRecord(one) ? shown(Object.values(one)) : shown(one))).join(", ") : "–";
  if (isRecord(found)) return Object.entries(found).map(([name, one]) => `${fieldName([name])}: ${shown(one)}`).join(", ");
  const text = String(found);
  return /^[a-z]+_[0-9a-z]{20,}$/.test(text) ? short(text) : text;
}

/** What was changed, field by field; a field within a field has both names, and what stayed the same is left out. */
export function changes(entry: Entry): FieldChange[] {
  const found: FieldChange[] = [];
  const walk = (path: string[], before: unknown, after: unknown) => {
    if (isRecord(before) || isRecord(after)) {
      const [old, now] = [isRecord(before) ? before : {}, isRecord(after) ? after : {}];
      for (const name of new Set([...Object.keys(old), ...Object.keys(now)])) walk([...path, name], old[name], now[name]);
    } else if (JSON.stringify(before) !== JSON.stringify(after) && shown(before) !== shown(after)) {
      found.push({ field: fieldName(path), before: shown(before), after: shown(after) });
    }
  };
  walk([], entry.before ?? {}, entry.after ?? {});
  return found;
}
