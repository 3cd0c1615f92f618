/** Figures, dates and amounts as people read them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, amount, bytes, change, chargeOf, count, day, duration, fine, isNegative, isZero, known, money, plural, points, rate, share, tick, tokens } from "../src/format";

const usd = (text: string) => ({ amount: text, currency: "USD" });

test("money is written from the API's text, to the last digit that is shown, without a float between", () => {
  assert.equal(money(usd("12345678901234567.89")), "USD 12,345,678,901,234,567.89");
  assert.equal(money(usd("0.1")), "USD 0.10");
  assert.equal(amount(usd("-3")), "\u22123.00");
  assert.equal(money({ amount: "1500", currency: "JPY" }), "JPY 1,500");
  assert.equal(money({ amount: "1.5", currency: "BHD" }), "BHD 1.500");
});

test("what a turn costs has six decimals, and less is not nothing", () => {
  assert.deepEqual(["0.002113", "0.0000004", "0.000001", "0", "1.5", "0.000000000"].map((one) => fine(usd(one))), ["USD 0.002113", "USD <0.000001", "USD 0.000001", "USD 0.00", "USD 1.50", "USD 0.00"]);
  assert.deepEqual([fine(usd("0.002537"), 4), fine(usd("0.00001"), 4)], ["USD 0.0025", "USD <0.0001"]);
  assert.equal(rate("5", "USD"), "USD 5.00 per 1M");
});

test("unknown is a dash and never 0", () => {
  for (const write of [amount, money, fine, count, share, duration, tokens, day, ago] as ((value: null) => string)[]) assert.equal(write(null), "–");
  assert.deepEqual([count(0), share(0), duration(0)], ["0", "0.0 %", "0 ms"]);
});

test("zero and less than zero are told from the text", () => {
  assert.deepEqual(["0", "-0.000", "0.001", "-0.1"].map((one) => isZero(usd(one))), [true, true, false, false]);
  assert.deepEqual(["-0.0", "-0.1", "1"].map((one) => isNegative(usd(one))), [false, true, false]);
});

test("a change is in percent, of a share in points, and new from nothing", () => {
  assert.deepEqual([change(112.5, 100), change(50, 100), change(5, 0), change(0, 0), change(-5, -10)], ["+12.5 %", "\u221250.0 %", "new", "–", "+50.0 %"]);
  assert.deepEqual([points(0.012), points(-0.2)], ["+1.2 pts", "\u221220.0 pts"]);
});

test("times, sizes, numbers of things", () => {
  assert.deepEqual([duration(840), duration(1800), duration(59_999), duration(120_000)], ["840 ms", "1.8 s", "60.0 s", "2 min"]);
  assert.deepEqual([bytes(999), bytes(1234), bytes(1_234_567)], ["999 bytes", "1.2 kB", "1.2 MB"]);
  assert.deepEqual([plural(1, "agent"), plural(1200, "agent"), tokens(1)], ["1 agent", "1,200 agents", "1 token"]);
  assert.equal(ago("2026-11-28T12:00:00Z", Date.parse("2026-11-28T12:03:00Z")), "3 minutes ago");
});

test("ticks of an axis are not rounded into each other", () => {
  assert.deepEqual([0.25, 0.002, 0.0025, 12_500].map(tick), ["0.25", "0.002", "0.0025", "12.5K"]);
});

test("what is not known yet is said so, what was estimated has a sign", () => {
  const spent = usd("0.0031");
  assert.deepEqual(
    [known(spent, { pending: false, estimated: false }), known(spent, { pending: false, estimated: true }), known(usd("0"), { pending: true, estimated: false })],
    ["USD 0.0031", "~USD 0.0031", "pending"],
  );
  assert.deepEqual(
    [chargeOf({ charge: usd("0"), outcome: "abandoned" }), chargeOf({ charge: spent, outcome: "abandoned" }), chargeOf({ charge: usd("0"), outcome: "failed" })],
    ["charge pending", "USD 0.0031", "USD 0.00"],
  );
});

test("less than zero has a minus, which is no hyphen", () => {
  assert.deepEqual([money(usd("-9.8")), fine(usd("-0.0031"))], ["USD \u22129.80", "USD \u22120.0031"]);
});
