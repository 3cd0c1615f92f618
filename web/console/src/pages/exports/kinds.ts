/** What can be exported: its words, who may, whether one agent's can be asked for, and how days become moments. */

import type { Schemas } from "../../api/client";
import type { Role } from "../../session/session";

export type Kind = Schemas["Export"]["kind"];
export type Format = NonNullable<Schemas["NewExport"]["format"]>;

interface Words {
  label: string;
  hint: string;
  role: Role;
  /** Whether its rows are an agent's. */
  ofAgent?: boolean;
}

export const KINDS: Record<Kind, Words> = {
  stats: { label: "Figures by day", hint: "A row for each day and agent, model, channel, industry and version: counts, tokens, cost, charge.", role: "member" },
  performance: { label: "Performance by day and agent", hint: "A row for each day and agent: counts, latencies, rates, ratings.", role: "member" },
  industries: { label: "Performance by day and industry", hint: "A row for each day and industry: counts, latencies, rates, ratings.", role: "member" },
  conversations: { label: "Conversations", hint: "A row for each conversation: agent, channel, outcome, rating, tokens, charge. Without what was said.", role: "member", ofAgent: true },
  transcripts: { label: "Transcripts", hint: "A row for each turn with what was said. It holds what visitors wrote: keep it as carefully as they would expect.", role: "member", ofAgent: true },
  usage_events: { label: "Usage events", hint: "A row for each turn as it was metered: the evidence behind every invoice line.", role: "member", ofAgent: true },
  conversation_events: { label: "Conversation events", hint: "A row for each hand-off, lead, rating, thumb and resolution.", role: "member", ofAgent: true },
  ledger: { label: "Ledger", hint: "A row for each entry of the books.", role: "member", ofAgent: true },
  invoice_lines: { label: "Invoice lines", hint: "A row for each line of each invoice.", role: "member", ofAgent: true },
  payments: { label: "Payments", hint: "A row for each payment and refund.", role: "member" },
  audit_log: { label: "Audit log", hint: "A row for each change that a person or a program made.", role: "admin" },
  workspace: { label: "The whole workspace", hint: "Everything of the above with agents and their versions, leads, widgets, keys, webhooks and billing, as one ZIP.", role: "admin" },
};

export const isKind = (name: string | undefined): name is Kind => name !== undefined && name in KINDS;

export const FORMATS: Record<Format, string> = { csv: "CSV", jsonl: "JSON Lines", parquet: "Parquet", zip: "ZIP" };

/** The moment at which a day begins in a time zone, in UTC: "2026-11-03T05:00:00.000Z". Where midnight is skipped, the first moment after. */
export function beginning(day: string, zone: string): string {
  const wanted = Date.parse(`${day}T00:00:00Z`);
  const format = new Intl.DateTimeFormat("en-CA", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const onTheClock = (moment: number): number => {
    const part = Object.fromEntries(format.formatToParts(new Date(moment)).map(({ type, value }) => [type, value]));
    return Date.parse(`${part.year}-${part.month}-${part.day}T${part.hour}:${part.minute}:${part.second}Z`);
  };
  // Off by what the zone is off at that moment; asked again there, since the offset may have changed in between.
  let moment = wanted - (onTheClock(wanted) - wanted);
  moment -= onTheClock(moment) - wanted;
  return new Date(moment).toISOString();
}

const WHY: Record<string, string> = {
  too_large: "There is too much of it for one file. Choose a shorter time span.",
};

/** What a failed export says of itself. */
export const reason = (error: string | null): string => (error && WHY[error]) || "It could not be written. Nothing is lost: try it once more.";
