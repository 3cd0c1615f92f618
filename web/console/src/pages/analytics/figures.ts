/** The figures of analytics: what each is called, how it is written, which way is better, and what changed. */

import type { Schemas } from "../../api/client";
import { change, compact, count, DASH, drawn, duration, fine, money, points, share, tick } from "../../format";

export type Detailed = Schemas["Detailed"];
export type Name = keyof Detailed;
type Kind = "count" | "money" | "ms" | "share" | "stars" | "ratio";

export interface Metric {
  label: string;
  kind: Kind;
  /** Where one way is better than the other; without it a change has no colour. */
  better?: "more" | "less";
}

export const METRICS: Record<Name, Metric> = {
  conversations: { label: "Conversations", kind: "count" },
  turns: { label: "Turns", kind: "count" },
  turns_per_conversation: { label: "Turns per conversation", kind: "ratio" },
  visitors: { label: "New visitors", kind: "count" },
  returning_visitors: { label: "Returning visitors", kind: "count" },
  leads: { label: "Leads", kind: "count", better: "more" },
  errors: { label: "Errors", kind: "count", better: "less" },
  error_rate: { label: "Error rate", kind: "share", better: "less" },
  hand_offs: { label: "Hand-offs", kind: "count" },
  hand_off_rate: { label: "Hand-off rate", kind: "share" },
  resolved: { label: "Resolved", kind: "count", better: "more" },
  unresolved: { label: "Not resolved", kind: "count", better: "less" },
  resolution_rate: { label: "Resolution rate", kind: "share", better: "more" },
  helpful_rate: { label: "Helpful", kind: "share", better: "more" },
  ratings: { label: "Ratings", kind: "count" },
  rating: { label: "Rating", kind: "stars", better: "more" },
  latency_p50_ms: { label: "Whole answer, p50", kind: "ms", better: "less" },
  latency_p95_ms: { label: "Whole answer, p95", kind: "ms", better: "less" },
  latency_p99_ms: { label: "Whole answer, p99", kind: "ms", better: "less" },
  first_token_p50_ms: { label: "First token, p50", kind: "ms", better: "less" },
  first_token_p95_ms: { label: "First token, p95", kind: "ms", better: "less" },
  first_token_p99_ms: { label: "First token, p99", kind: "ms", better: "less" },
  input_tokens: { label: "Input tokens", kind: "count" },
  cached_input_tokens: { label: "Cached input tokens", kind: "count" },
  output_tokens: { label: "Output tokens", kind: "count" },
  reasoning_tokens: { label: "Reasoning tokens", kind: "count" },
  pending: { label: "Pending turns", kind: "count" },
  estimated: { label: "Estimated turns", kind: "count" },
  cost: { label: "Cost", kind: "money" },
  charge: { label: "Charge", kind: "money" },
  cost_per_conversation: { label: "Cost per conversation", kind: "money", better: "less" },
  charge_per_conversation: { label: "Charge per conversation", kind: "money", better: "less" },
  margin: { label: "Margin", kind: "money" },
  margin_rate: { label: "Margin rate", kind: "share" },
};

/** A figure as a length: null where nothing is known. */
export function value(figures: Partial<Detailed>, name: Name): number | null {
  const found = figures[name];
  if (found === null || found === undefined) return null;
  return typeof found === "number" ? found : drawn(found);
}

/** Of what is less than a tenth, two decimals say too little. */
const small = (n: number): boolean => n !== 0 && Math.abs(n) < 0.1;

/** How a value of this figure is written at an axis, in a table, beside the pointer. */
export function writer(name: Name, currency: string): (value: number) => string {
  const { kind } = METRICS[name];
  if (kind === "ms") return duration;
  if (kind === "share") return share;
  // Points of a canvas are floats; six digits are more than a pixel, and the sums come from the API's strings.
  if (kind === "money") return (n) => fine({ amount: n.toFixed(6), currency }, small(n) ? 4 : 2);
  if (kind === "stars") return (n) => `${count(n)} of 5`;
  return count;
}

export function axisWriter(name: Name): (value: number) => string {
  const { kind } = METRICS[name];
  return kind === "ms" ? duration : kind === "share" ? (n) => `${count(Math.round(n * 1000) / 10)} %` : tick;
}

/** A figure as people read it, money to the digit. */
export function text(figures: Partial<Detailed>, name: Name): string {
  const found = figures[name];
  if (found === null || found === undefined) return DASH;
  if (typeof found !== "number") return small(drawn(found)) ? fine(found, 4) : money(found);
  if (METRICS[name].kind === "count") return found < 100_000 ? count(found) : compact(found);
  return writer(name, "")(found);
}

export interface Delta {
  /** "+12.5 %", "−1.2 pts", "new"; undefined where there is nothing to compare. */
  text: string;
  way: "up" | "down" | "same";
  /** Undefined where neither way is better. */
  good: boolean | undefined;
}

/** What changed from one span to another: shares in points, everything else in percent, and "new" from nothing. */
export function delta(name: Name, now: number | null, before: number | null): Delta | undefined {
  if (now === null || before === null) return undefined;
  const { kind, better } = METRICS[name];
  if (now === before) return { text: "no change", way: "same", good: undefined };
  const way = now > before ? "up" : "down";
  const good = better === undefined ? undefined : (better === "more") === (way === "up");
  if (kind === "share") return { text: points(now - before), way, good };
  return { text: change(now, before), way, good };
}

/** Whether the parts of a figure can be added up. */
export const additive = (name: Name): boolean => ["count", "money"].includes(METRICS[name].kind) && !name.endsWith("per_conversation");

/** Counts, money, tokens stand as columns; what is measured or divided is a line. */
export const kindOf = (name: Name): "columns" | "line" => (additive(name) ? "columns" : "line");
