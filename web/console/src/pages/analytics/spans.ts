/** Which steps a span is shown in, and which span lies beside it: worked out of days alone. */

import { addDays, type Span } from "../../parts/range";

export type Granularity = "hour" | "day" | "week" | "month";

/** How many days a span has, both ends included. */
export const length = (from: string, to: string): number => Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000) + 1;

/** Hours for a day or two, days for a quarter, weeks for more. */
export function granularityOf({ from, to }: Pick<Span, "from" | "to">): Granularity {
  const days = length(from, to);
  return days <= 2 ? "hour" : days <= 100 ? "day" : "week";
}

const monthBefore = (day: string): string => addDays(`${day.slice(0, 7)}-01`, -1).slice(0, 7);
const lastOf = (month: string): string => {
  const [year, number] = month.split("-").map(Number);
  return new Date(Date.UTC(year!, number!, 0)).toISOString().slice(0, 10);
};

/** The span to compare with, where it is not the one right before: a month is compared with the same days of the one before it. */
export function beforeOf({ range, from, to }: Pick<Span, "range" | "from" | "to">): { before_from: string; before_to: string } | undefined {
  if (range !== "month" && range !== "last-month") return undefined;
  const before = monthBefore(from);
  const last = lastOf(before);
  const same = `${before}-${to.slice(8)}`;
  // The whole of a month stands beside the whole of the one before it, and the 31st beside the 28th.
  const whole = range === "last-month" || same > last;
  return { before_from: `${before}-01`, before_to: whole ? last : same };
}

/** What the span before is called, under a figure: "the 30 days before". */
export function nameBefore({ range, from, to }: Pick<Span, "range" | "from" | "to">): string {
  if (range === "month" || range === "last-month") return "the month before";
  const days = length(from, to);
  return days === 1 ? "the day before" : `the ${days} days before`;
}
