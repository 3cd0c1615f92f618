/** What conversations would cost at a model's prices: whole numbers in nanos, no float. */

import type { Amount } from "../../format";
import type { Schemas } from "../../api/client";

/** What a conversation is taken to be; the page says it beside the figure. */
export const ASSUMED = { turns: 4, question: 40, passage: 200, answer: 150 };

const NANOS = 9;

function nanos(decimal: string): bigint {
  const [whole = "0", part = ""] = decimal.split(".");
  return BigInt(whole + part.padEnd(NANOS, "0").slice(0, NANOS));
}

function decimal(value: bigint): string {
  const text = value.toString().padStart(NANOS + 1, "0");
  return `${text.slice(0, -NANOS)}.${text.slice(-NANOS)}`;
}

/** Amounts of one currency, added exactly; nothing for an empty list. */
export function sum(amounts: Amount[]): Amount | undefined {
  const [first] = amounts;
  return first && { currency: first.currency, amount: decimal(amounts.reduce((all, one) => all + nanos(one.amount), 0n)) };
}

/** Tokens of one conversation, all of it new: its prompt, its passages and what was said before, every turn. */
export function tokensOf(prompt: number, passages: number): { input: number; output: number } {
  const { turns, question, passage, answer } = ASSUMED;
  const before = ((turns * (turns - 1)) / 2) * (question + answer);
  return { input: turns * (prompt + passages * passage + question) + before, output: turns * answer };
}

/** The cost of so many conversations; `markup` is the plan's addition, such as "0.2". */
export function costOf(prices: Schemas["Prices"], conversations: number, prompt: number, passages: number, markup = "0"): Amount {
  const { input, output } = tokensOf(prompt, passages);
  const perMillion = (BigInt(input) * nanos(prices.input) + BigInt(output) * nanos(prices.output)) * BigInt(conversations);
  const cost = perMillion / 1_000_000n;
  const one = 10n ** BigInt(NANOS);
  return { currency: prices.currency, amount: decimal((cost * (one + nanos(markup))) / one) };
}
