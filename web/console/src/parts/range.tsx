/** The span of time that figures are about, kept in the address: a named one, or two dates; with or without the one before. */

import { useMemo } from "preact/hooks";
import { useQuery } from "../routing";
import { Checkbox, Input, LAST_DAY, Select } from "./fields";

export const RANGES = [
  { value: "1d", label: "Today" },
  { value: "7d", label: "Last 7 days" },
  { value: "30d", label: "Last 30 days" },
  { value: "90d", label: "Last 90 days" },
  { value: "month", label: "This month" },
  { value: "last-month", label: "Last month" },
  { value: "custom", label: "From … to …" },
];

export interface Span {
  range: string;
  /** Days of the workspace's calendar, both included: "2026-11-01". */
  from: string;
  to: string;
  compare: boolean;
}

/** The day that an address names, or nothing where it names none: addresses are typed, too. */
export const dayIn = (name: string | undefined): string | undefined => (name && /^\d{4}-\d\d-\d\d$/.test(name) && name <= LAST_DAY && !Number.isNaN(Date.parse(name)) && addDays(name, 0) === name ? name : undefined);

/** Today's date in a time zone, "2026-11-28". */
export const today = (zone: string, at = new Date()): string => new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }).format(at);

export function addDays(day: string, n: number): string {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + n);
  return date.toISOString().slice(0, 10);
}

/** The days of a named span, as of `now` (a day). */
export function daysOf(range: string, now: string): [from: string, to: string] {
  if (range === "month") return [`${now.slice(0, 7)}-01`, now];
  if (range === "last-month") {
    const end = addDays(`${now.slice(0, 7)}-01`, -1);
    return [`${end.slice(0, 7)}-01`, end];
  }
  return [addDays(now, 1 - (Number.parseInt(range, 10) || 30)), now];
}

/** The span in the address (`?range=7d`, or `?range=custom&from=…&to=…`); `compares` is what holds while it says nothing of that. */
export function useSpan(zone: string, preset = "30d", compares = false): [Span, (next: Partial<Span>) => void] {
  const [query, change] = useQuery();
  const now = today(zone);
  const span = useMemo<Span>(() => {
    const range = query.range ?? preset;
    const [first, last] = [dayIn(query.from), dayIn(query.to)];
    const [from, to] = range === "custom" && first && last ? [first, last] : daysOf(range, now);
    return { range, from, to, compare: query.compare ? query.compare === "1" : compares };
  }, [query, now, preset, compares]);
  return [
    span,
    (next) => {
      const merged = { ...span, ...next };
      const own = merged.range === "custom";
      change({ range: merged.range === preset ? undefined : merged.range, from: own ? merged.from : undefined, to: own ? merged.to : undefined, compare: merged.compare === compares ? undefined : merged.compare ? "1" : "0" });
    },
  ];
}

export function Range({ span, change, compare = false }: { span: Span; change: (next: Partial<Span>) => void; compare?: boolean }) {
  return (
    <div class="row">
      <Select label="Time span" value={span.range} onChange={(range) => change({ range, from: span.from, to: span.to })} options={RANGES} />
      {span.range === "custom" && (
        <>
          <Input type="date" label="From" value={span.from} max={span.to} onInput={(from) => from && change({ from })} />
          <Input type="date" label="To" value={span.to} min={span.from} onInput={(to) => to && change({ to })} />
        </>
      )}
      {compare && (
        <Checkbox checked={span.compare} onChange={(on) => change({ compare: on })}>
          Compare with the time before
        </Checkbox>
      )}
    </div>
  );
}
