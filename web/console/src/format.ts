/**
 * Every figure, date and amount as people read it.
 *
 * Money stays the API's decimal string to the last digit: Intl formats strings exactly, so nothing passes a float. What is
 * unknown is a dash, never 0.
 */

export interface Amount {
  amount: string;
  currency: string;
}

export const DASH = "–";
const locale = globalThis.navigator?.language || "en";
const once = <T>(make: (key: string) => T) => {
  const made = new Map<string, T>();
  return (key: string): T => {
    if (!made.has(key)) made.set(key, make(key));
    return made.get(key)!;
  };
};
const currencyOf = once((currency) => new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2);
const decimalsOf = once((digits) => {
  const [least, most] = digits.split("-").map(Number);
  return new Intl.NumberFormat(locale, { minimumFractionDigits: least!, maximumFractionDigits: most! });
});
/** A minus is as wide as a plus; a hyphen is not, and may end a line. */
const signed = (text: string): string => text.replace("-", "\u2212");
const exact = (text: string, least: number, most: number) => signed(decimalsOf(`${least}-${most}`).format(text as unknown as number));

/** "12.34", with the currency's decimals; for columns whose head names the currency. */
export function amount(value: Amount | null | undefined): string {
  if (!value) return DASH;
  const digits = currencyOf(value.currency);
  return exact(value.amount, digits, digits);
}

/** "USD 12.34". */
export const money = (value: Amount | null | undefined): string => (value ? `${value.currency} ${amount(value)}` : DASH);

/** "USD 0.002113": what a turn costs, to six decimals or as many as are named; less is "<0.000001". */
export function fine(value: Amount | null | undefined, most = 6): string {
  if (!value) return DASH;
  const digits = currencyOf(value.currency);
  const tiny = new RegExp(`^-?0\\.0{${most}}\\d*[1-9]`).test(value.amount);
  return `${value.currency} ${tiny ? `<${exact(`0.${"1".padStart(most, "0")}`, digits, most)}` : exact(value.amount, digits, Math.max(digits, most))}`;
}

/** What a turn costs, where that may not be known yet: "pending", or "~" before what was estimated. */
export const known = (value: Amount, turn: { pending: boolean; estimated: boolean }): string => (turn.pending ? "pending" : `${turn.estimated ? "~" : ""}${fine(value)}`);

/** What a conversation costs in a list: of one that was abandoned nothing may be known yet, which is not 0. */
export const chargeOf = (one: { charge: Amount; outcome: string | null }): string => (one.outcome === "abandoned" && isZero(one.charge) ? "charge pending" : fine(one.charge));

/** "USD 5.00 per 1M": a price of tokens. */
export const rate = (perMillion: string, currency: string): string => `${currency} ${exact(perMillion, 2, 6)} per 1M`;

export const isZero = (value: Amount): boolean => /^-?0+(\.0+)?$/.test(value.amount);
export const isNegative = (value: Amount): boolean => value.amount.startsWith("-") && !isZero(value);

/** A money string as a number, for lengths of bars and heights of points only; never for what is written. */
export const drawn = (value: Amount): number => Number(value.amount);

const grouped = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });
const compacted = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 });
const oneDecimal = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

export const count = (value: number | null | undefined): string => (value === null || value === undefined ? DASH : grouped.format(value));
/** "12.3K", for tiles and axes. */
export const compact = (value: number | null | undefined): string => (value === null || value === undefined ? DASH : compacted.format(value));
const significant = new Intl.NumberFormat(locale, { maximumSignificantDigits: 4 });
/** "0.25", "12.5K": at an axis, where a tick must not be rounded into another. */
export const tick = (value: number): string => (Math.abs(value) < 1000 ? significant.format(value) : compacted.format(value));
/** A share between 0 and 1 as "12.5 %". */
export const share = (value: number | null | undefined): string => (value === null || value === undefined ? DASH : `${oneDecimal.format(value * 100)} %`);
/** The change of a share, in points: "+1.2 pts". */
export const points = (change: number): string => `${change > 0 ? "+" : ""}${signed(oneDecimal.format(change * 100))} pts`;
/** The change of a count or amount: "+12.5 %"; from nothing it is "new". */
export function change(now: number, before: number): string {
  if (before === 0) return now === 0 ? DASH : "new";
  const by = (now - before) / Math.abs(before);
  return `${by > 0 ? "+" : ""}${signed(oneDecimal.format(by * 100))} %`;
}

/** "840 ms", "1.8 s". */
export function duration(milliseconds: number | null | undefined): string {
  if (milliseconds === null || milliseconds === undefined) return DASH;
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  return milliseconds < 60_000 ? `${oneDecimal.format(milliseconds / 1000)} s` : `${grouped.format(Math.round(milliseconds / 60_000))} min`;
}

/** "812 tokens". */
export const tokens = (value: number | null | undefined): string => (value === null || value === undefined ? DASH : `${grouped.format(value)} ${value === 1 ? "token" : "tokens"}`);
/** "1 agent", "12 agents". */
export const plural = (n: number, one: string, many = `${one}s`): string => `${grouped.format(n)} ${n === 1 ? one : many}`;

/** "1.2 MB". */
export function bytes(value: number): string {
  const [divided, unit] = value < 1000 ? [value, "bytes"] : value < 1e6 ? [value / 1e3, "kB"] : [value / 1e6, "MB"];
  return `${grouped.format(Math.round(divided * 10) / 10)} ${unit}`;
}

const timeOfDay = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const minutes = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
const moment = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const momentWithYear = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
const dayOnly = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "numeric" });
const dayUtc = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const dayOfMonthUtc = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" });
const monthUtc = new Intl.DateTimeFormat(locale, { month: "long", year: "numeric", timeZone: "UTC" });

/** "14:02:10", local time. */
export const clock = (at: number | string): string => timeOfDay.format(new Date(at));
/** "14:02", local time. */
export const minute = (at: number | string): string => minutes.format(new Date(at));
/** "3 Nov, 14:02", with the year when it is another one; local time. */
export function when(at: string | null | undefined): string {
  if (!at) return DASH;
  const date = new Date(at);
  return (date.getFullYear() === new Date().getFullYear() ? moment : momentWithYear).format(date);
}
/** "3 Nov 2026": a day of somebody's calendar, local time. */
export const day = (at: string | null | undefined): string => (at ? dayOnly.format(new Date(at)) : DASH);
/** "3 Nov 2026": a day as it is named, wherever it is read; billing counts in UTC, and says so beside it. Takes "2026-11-03" or a time. */
export const billingDay = (at: string | null | undefined): string => (at ? dayUtc.format(new Date(at)) : DASH);
/** "3 Nov": a billing day at a chart's axis, whose head names the month. */
export const billingTick = (at: number): string => dayOfMonthUtc.format(new Date(at));
/** "November 2026" of "2026-11". */
export const month = (name: string): string => monthUtc.format(new Date(`${name}-01T00:00:00Z`));

const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
/** "3 minutes ago", "in 2 days". */
export function ago(at: string | number | null | undefined, now = Date.now()): string {
  if (at === null || at === undefined || at === "") return DASH;
  const seconds = (new Date(at).getTime() - now) / 1000;
  const size = Math.abs(seconds);
  if (size < 60) return relative.format(Math.round(seconds / 10) * 10, "second");
  if (size < 3600) return relative.format(Math.round(seconds / 60), "minute");
  if (size < 86_400) return relative.format(Math.round(seconds / 3600), "hour");
  return relative.format(Math.round(seconds / 86_400), "day");
}

const regions = new Intl.DisplayNames(undefined, { type: "region" });

/** "Germany" for "DE"; a dash for none, the code itself where it names no country. */
export function countryName(code: string | null | undefined): string {
  if (!code) return DASH;
  return /^[A-Z]{2}$/.test(code) ? (regions.of(code) ?? code) : code;
}
