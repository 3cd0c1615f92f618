/** A month's charge added up day by day, and where it leads at the pace so far; pure. */

import { type Amount, drawn } from "../../format";
import { decimal, nanos } from "../billing/exact";

export interface Month {
  starts_at: string;
  ends_at: string;
  /** The time up to which it is known what was spent. */
  projection_as_of: string;
  projection: Amount;
}

export interface Added {
  /** The month's UTC days, all of them. */
  days: string[];
  /** What was charged by the end of each day; null for what is to come. */
  charged: (number | null)[];
  /** From the day that is not over to the projection at the month's end, evenly; null for the days before. */
  pace: (number | null)[];
}

const DAY = 86_400_000;

/** Exact to the nano until it is drawn. */
export function added(month: Month, byDay: { key: string; charge: Amount }[]): Added {
  const first = Date.parse(month.starts_at);
  const days = Array.from({ length: Math.round((Date.parse(month.ends_at) - first) / DAY) }, (_, i) => new Date(first + i * DAY).toISOString().slice(0, 10));
  const of = new Map(byDay.map((one) => [one.key, nanos(one.charge.amount)]));
  const now = Math.min(days.length - 1, Math.floor((Date.parse(month.projection_as_of) - first) / DAY));
  let all = 0n;
  const charged = days.map((day, i) => (i > now ? null : Number(decimal((all += of.get(day) ?? 0n)))));
  const from = charged[now] ?? 0;
  const left = days.length - 1 - now;
  const pace = days.map((_, i) => (i < now || left === 0 ? null : from + ((drawn(month.projection) - from) * (i - now)) / left));
  return { days, charged, pace };
}
