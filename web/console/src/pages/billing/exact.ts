/** Exact sums of the API's money strings, in whole nanos: no float touches an amount. */

import type { Amount } from "../../format";

const PLACES = 9;

/** Nanos of a decimal string with up to nine places. */
export function nanos(text: string): bigint {
  const [whole = "0", part = ""] = text.replace("-", "").split(".");
  const size = BigInt(whole + part.slice(0, PLACES).padEnd(PLACES, "0"));
  return text.startsWith("-") ? -size : size;
}

/** The shortest exact decimal with at least `least` places. */
export function decimal(value: bigint, least = 2): string {
  const size = (value < 0n ? -value : value).toString().padStart(PLACES + 1, "0");
  const part = size.slice(-PLACES).replace(/0+$/, "").padEnd(least, "0");
  return `${value < 0n ? "-" : ""}${size.slice(0, -PLACES)}${part ? `.${part}` : ""}`;
}

export const sum = (values: Amount[], currency: string): Amount => ({ amount: decimal(values.reduce((all, one) => all + nanos(one.amount), 0n)), currency });
export const less = (a: Amount, b: Amount): Amount => ({ amount: decimal(nanos(a.amount) - nanos(b.amount)), currency: a.currency });
export const same = (a: Amount, b: Amount): boolean => nanos(a.amount) === nanos(b.amount);
export const compare = (a: Amount, b: Amount): number => (nanos(a.amount) < nanos(b.amount) ? -1 : nanos(a.amount) > nanos(b.amount) ? 1 : 0);

/** "USD 0.002113004": every digit there is. */
export const whole = (value: Amount): string => `${value.currency} ${value.amount}`;

/**
 * What somebody typed as an amount of money; undefined when it is none. A comma may stand for the point, but not where
 * it may as well part thousands: "1,000" is a thousand to one person and one to another.
 */
export function typed(text: string): string | undefined {
  if (/^[1-9]\d{0,2},\d{3}$/.test(text.trim())) return undefined;
  const plain = text.trim().replace(/^(\d+),(\d{1,9})$/, "$1.$2");
  return /^\d{1,12}(\.\d{1,9})?$/.test(plain) ? plain : undefined;
}

/** "80" of "0.8", without a float. */
export const percent = (share: string): string => decimal(nanos(share) * 100n, 0);
/** "0.8" of "80"; undefined when it is no number. */
export function shareOf(text: string): string | undefined {
  const plain = typed(text.replace("%", ""));
  return plain === undefined ? undefined : decimal(nanos(plain) / 100n, 0);
}
