/** Amounts that people type, and exact sums of the API's. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { shareOf, sum, typed } from "../src/pages/billing/exact";
import { price } from "../src/pages/billing/terms";

test("a comma may stand for the point, but never makes one of a thousand", () => {
  assert.deepEqual(["12.50", "12,5", " 100 ", "0,125", "1000"].map((text) => typed(text)), ["12.50", "12.5", "100", "0.125", "1000"]);
  assert.deepEqual(["1,000", "12,000", "1,000.50", "-3", "", "12.", "ten"].map((text) => typed(text)), Array(7).fill(undefined));
});

test("shares and sums are exact", () => {
  assert.deepEqual(["80", "12,5 %", "x"].map(shareOf), ["0.8", "0.125", undefined]);
  const usd = (amount: string) => ({ amount, currency: "USD" });
  assert.equal(sum([usd("0.1"), usd("0.2"), usd("-0.000000001")], "USD").amount, "0.299999999");
});

test("a price is of a message, of an input token, or of many", () => {
  const of = (meter: string, per = 1) => price({ meter, model: null, scheme: "unit", per, price: { amount: "0.08", currency: "USD" }, tiers: [] } as unknown as Parameters<typeof price>[0]);
  assert.deepEqual([of("messages"), of("input_tokens"), of("output_tokens"), of("input_tokens", 1_000_000)], ["USD 0.08 a message", "USD 0.08 an input token", "USD 0.08 an output token", "USD 0.08 per 1M input tokens"]);
});
