/** How the steps of a span are placed and written: days as they are named, hours by the workspace's clock. */

import type { Granularity } from "./spans";

/** The beginning of a step in seconds since 1970; a day counts as midnight of UTC, only to be in order. */
export const secondsOf = (start: string): number => Date.parse(start.length === 10 ? `${start}T00:00:00Z` : start) / 1000;
/** The day in which a step begins, by the zone's calendar. */
export const dayOf = (start: string, zone: string): string => (start.length === 10 ? start : new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }).format(new Date(start)));

const locale = typeof navigator === "undefined" ? "en" : navigator.language;

export function writers(granularity: Granularity, zone: string): { at: (seconds: number) => string; tick: (seconds: number) => string } {
  const hours = granularity === "hour";
  const timeZone = hours ? zone : "UTC";
  const whole = new Intl.DateTimeFormat(locale, hours ? { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone } : { weekday: "short", day: "numeric", month: "short", timeZone });
  const short = new Intl.DateTimeFormat(locale, hours ? { hour: "2-digit", minute: "2-digit", timeZone } : { day: "numeric", month: "short", timeZone });
  const write = (format: Intl.DateTimeFormat) => (seconds: number) => format.format(new Date(seconds * 1000));
  const at = write(whole);
  return { at: granularity === "week" ? (seconds) => `Week of ${at(seconds)}` : at, tick: write(short) };
}
