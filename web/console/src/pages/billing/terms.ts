/** The terms of a plan in words. */

import type { Schemas } from "../../api/client";
import { count, isZero, money, month } from "../../format";
import { decimal, nanos, percent } from "./exact";

type Plan = Schemas["Plan"];
type Price = Schemas["UnitPrice"];

const METERS: Record<string, [one: string, many: string]> = {
  messages: ["message", "messages"],
  conversations: ["conversation", "conversations"],
  resolved_conversations: ["resolved conversation", "resolved conversations"],
  input_tokens: ["input token", "input tokens"],
  cached_input_tokens: ["cached input token", "cached input tokens"],
  output_tokens: ["output token", "output tokens"],
  reasoning_tokens: ["reasoning token", "reasoning tokens"],
};

export const meter = (name: string): string => METERS[name]?.[1] ?? name.replace(/_/g, " ");

const many = (per: number, name: string) => (per === 1 ? (METERS[name]?.[0] ?? name) : per === 1_000_000 ? `1M ${meter(name)}` : `${count(per)} ${meter(name)}`);

/** "a message", "an input token". */
const each = (name: string): string => {
  const one = many(1, name);
  return `${/^[aeiou]/.test(one) ? "an" : "a"} ${one}`;
};

/** "USD 0.08 a message", "USD 6.00 per 1M input tokens". */
export function price(of: Price): string {
  const model = of.model ? ` of ${of.model}` : "";
  if (of.scheme === "package") return `${money(of.price)} for each package of ${many(of.per, of.meter)}${model}`;
  if (of.tiers.length) {
    const tiers = of.tiers.map((tier) => `${whole(tier.price)}${tier.per === 1 ? "" : ` per ${count(tier.per)}`} ${tier.up_to === null ? "beyond" : `up to ${count(tier.up_to)}`}`);
    return `${meter(of.meter).replace(/^./, (first) => first.toUpperCase())}${model}, ${of.scheme === "volume" ? "all at the price of the tier that is reached" : "each at its tier’s price"}: ${tiers.join(", ")}`;
  }
  return `${whole(of.price)} ${of.per === 1 ? each(of.meter) : `per ${many(of.per, of.meter)}`}${model}`;
}

const whole = (value: Schemas["Money"]): string => `${value.currency} ${decimal(nanos(value.amount))}`;

/** "USD 0.08 a message", of a line whose amount is units times a price. */
export const unitPrice = (line: Schemas["InvoiceLine"]): string => (line.unit_price && line.meter ? `${whole(line.unit_price)} ${each(line.meter)}` : "–");

/** Every term that is not nothing, one sentence each. */
export function terms(plan: Plan): string[] {
  const until = plan.discount_until ? ` until ${month(plan.discount_until)}` : plan.discount_months ? ` for ${plan.discount_months} months` : "";
  return [
    isZero(plan.monthly_fee) ? "No monthly price" : `${money(plan.monthly_fee)} a month`,
    ...(plan.cost_plus !== null ? [`What the provider takes${nanos(plan.cost_plus) ? `, plus ${percent(plan.cost_plus)} %` : ""}`] : []),
    ...plan.unit_prices.filter((one) => !one.model).map(price),
    ...(plan.unit_prices.some((one) => one.model) ? [`Own prices for ${[...new Set(plan.unit_prices.flatMap((one) => (one.model ? [one.model] : [])))].join(", ")}`] : []),
    ...(isZero(plan.included) ? [] : [`${money(plan.included)} of usage included`]),
    ...Object.entries(plan.included_units).map(([name, n]) => `${count(n)} ${meter(name)} included`),
    ...(nanos(plan.discount) ? [`${percent(plan.discount)} % discount${until}`] : []),
    ...(isZero(plan.discount_amount) ? [] : [`${money(plan.discount_amount)} discount a month${until}`]),
    ...(isZero(plan.minimum) ? [] : [`At least ${money(plan.minimum)} a month`]),
    ...(plan.reverse_charge ? ["Reverse charge"] : []),
  ];
}

/** Prices that count a whole month: they cannot begin within one that was used. */
export const countsMonth = (plan: Plan): boolean => plan.unit_prices.some((one) => one.scheme !== "unit") || Object.keys(plan.included_units).length > 0;
