/** Spans, their steps, what lies beside them, and what changed. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { addDays, dayIn, daysOf, today } from "../src/parts/range";
import { behind } from "../src/pages/analytics/behind";
import { added } from "../src/pages/analytics/cumulative";
import type { Cut } from "../src/pages/analytics/cut";
import { delta, METRICS, type Name, text, value } from "../src/pages/analytics/figures";
import { beforeOf, granularityOf, length, nameBefore } from "../src/pages/analytics/spans";
import { dayOf, secondsOf, writers } from "../src/pages/analytics/times";
import { beginning } from "../src/pages/exports/kinds";

test("today is the day of the time zone", () => {
  const at = new Date("2026-03-01T03:30:00Z");
  assert.deepEqual([today("America/New_York", at), today("UTC", at), today("Pacific/Kiritimati", at)], ["2026-02-28", "2026-03-01", "2026-03-01"]);
});

test("named spans have their days, both included", () => {
  assert.deepEqual(daysOf("1d", "2026-03-01"), ["2026-03-01", "2026-03-01"]);
  assert.deepEqual(daysOf("7d", "2026-03-01"), ["2026-02-23", "2026-03-01"]);
  assert.deepEqual(daysOf("month", "2026-03-31"), ["2026-03-01", "2026-03-31"]);
  assert.deepEqual(daysOf("last-month", "2026-03-31"), ["2026-02-01", "2026-02-28"]);
  assert.deepEqual(daysOf("last-month", "2024-03-01"), ["2024-02-01", "2024-02-29"]);
  assert.equal(addDays("2026-12-31", 1), "2027-01-01");
  for (const n of [1, 7, 30, 90]) assert.equal(length(...daysOf(`${n}d`, "2026-11-28")), n);
});

test("an address names a day or none", () => {
  assert.deepEqual(["2026-03-01", "0001-01-01", "9999-12-30"].map(dayIn), ["2026-03-01", "0001-01-01", "9999-12-30"]);
  for (const none of [undefined, "", "today", "12026-03-01", "2026-3-1", "2026-13-01", "2026-02-30", "9999-12-31"]) assert.equal(dayIn(none), undefined);
});

test("a month stands beside the same days of the one before", () => {
  const of = (range: string, from: string, to: string) => beforeOf({ range, from, to });
  assert.deepEqual(of("month", "2026-11-01", "2026-11-28"), { before_from: "2026-10-01", before_to: "2026-10-28" });
  assert.deepEqual(of("month", "2026-03-01", "2026-03-31"), { before_from: "2026-02-01", before_to: "2026-02-28" });
  assert.deepEqual(of("month", "2026-01-01", "2026-01-05"), { before_from: "2025-12-01", before_to: "2025-12-05" });
  assert.deepEqual(of("last-month", "2026-02-01", "2026-02-28"), { before_from: "2026-01-01", before_to: "2026-01-31" });
  assert.equal(of("30d", "2026-11-01", "2026-11-30"), undefined);
  assert.deepEqual([nameBefore({ range: "1d", from: "2026-11-28", to: "2026-11-28" }), nameBefore({ range: "7d", from: "2026-11-22", to: "2026-11-28" })], ["the day before", "the 7 days before"]);
});

test("a day comes by the hour, a quarter by the day, a year by the week", () => {
  const of = (days: number) => granularityOf({ from: "2026-01-01", to: addDays("2026-01-01", days - 1) });
  assert.deepEqual([of(1), of(2), of(3), of(92), of(366)], ["hour", "hour", "day", "day", "week"]);
});

test("steps are placed in order and named by the workspace's clock", () => {
  assert.ok(secondsOf("2026-11-03") < secondsOf("2026-11-04"));
  assert.equal(dayOf("2026-11-03T23:00:00Z", "Europe/Berlin"), "2026-11-04");
  assert.match(writers("day", "America/New_York").at(secondsOf("2026-11-03")), /Nov 3/);
  assert.match(writers("hour", "Asia/Tokyo").tick(secondsOf("2026-11-03T00:00:00Z")), /09/);
  assert.match(writers("week", "UTC").at(secondsOf("2026-11-02")), /^Week of/);
});

test("a day begins at midnight of its zone, also where clocks change", () => {
  assert.equal(beginning("2026-11-03", "UTC"), "2026-11-03T00:00:00.000Z");
  assert.equal(beginning("2026-07-01", "America/New_York"), "2026-07-01T04:00:00.000Z");
  assert.equal(beginning("2026-01-01", "Asia/Kathmandu"), "2025-12-31T18:15:00.000Z");
  // The day on which clocks go back has 25 hours, the one on which they go forward 23.
  const hours = (day: string, zone: string) => (Date.parse(beginning(addDays(day, 1), zone)) - Date.parse(beginning(day, zone))) / 3_600_000;
  assert.deepEqual([hours("2026-10-25", "Europe/Berlin"), hours("2026-03-29", "Europe/Berlin"), hours("2026-06-01", "Europe/Berlin")], [25, 23, 24]);
});

test("a change has a colour only where one way is better", () => {
  assert.deepEqual(delta("conversations", 30, 20), { text: "+50.0 %", way: "up", good: undefined });
  assert.deepEqual(delta("error_rate", 0.02, 0.01), { text: "+1.0 pts", way: "up", good: false });
  assert.deepEqual(delta("first_token_p95_ms", 500, 1000), { text: "\u221250.0 %", way: "down", good: true });
  assert.deepEqual(delta("leads", 3, 0), { text: "new", way: "up", good: true });
  assert.equal(delta("rating", null, 4), undefined);
  assert.equal(delta("rating", 4, 4)!.good, undefined);
});

test("every figure has a name, and unknown ones a dash", () => {
  for (const name of Object.keys(METRICS) as Name[]) {
    assert.ok(METRICS[name].label);
    assert.equal(text({}, name), "–");
    assert.equal(value({}, name), null);
  }
  assert.equal(text({ charge: { amount: "12.34", currency: "EUR" } }, "charge"), "EUR 12.34");
  assert.equal(text({ cost_per_conversation: { amount: "0.002537", currency: "USD" } }, "cost_per_conversation"), "USD 0.0025");
});

test("a month's charge is added up exactly to today, and led on evenly to its projection", () => {
  const usd = (amount: string) => ({ amount, currency: "USD" });
  const month = { starts_at: "2026-11-01T00:00:00Z", ends_at: "2026-12-01T00:00:00Z", projection_as_of: "2026-11-03T14:00:00Z", projection: usd("54.3") };
  const found = added(month, [{ key: "2026-11-01", charge: usd("0.1") }, { key: "2026-11-02", charge: usd("0.2") }, { key: "2026-11-04", charge: usd("9") }]);
  assert.equal(found.days.length, 30);
  assert.deepEqual(found.charged.slice(0, 4), [0.1, 0.3, 0.3, null]);
  assert.deepEqual(found.pace.slice(0, 3), [null, null, 0.3]);
  assert.deepEqual([found.pace[3]! > 0.3, found.pace[29]], [true, 54.3]);
  const over = added({ ...month, projection_as_of: "2026-11-30T23:00:00Z" }, []);
  assert.deepEqual([over.charged[29], over.pace.every((one) => one === null)], [0, true]);
});

test("money, tokens and visitors lead to the conversations that they are made of, a filter with them where the list knows it", () => {
  const cut = { span: { from: "2026-11-01", to: "2026-11-30" }, filter: undefined, of: undefined } as unknown as Cut;
  const channel = (key: string) => ({ ...cut, filter: { by: "channel", key } }) as Cut;
  const span = "#/conversations?from=2026-11-01&to=2026-11-30";
  for (const name of ["charge", "cost", "charge_per_conversation", "output_tokens", "turns"] as const) assert.equal(behind(name, cut), span);
  assert.equal(behind("visitors", cut), `${span}&channel=widget`);
  assert.equal(behind("visitors", channel("widget")), `${span}&channel=widget`);
  assert.equal(behind("visitors", channel("api")), undefined);
  assert.equal(behind("charge", channel("api")), `${span}&channel=api`);
  assert.equal(behind("charge", { ...cut, filter: { by: "model", key: "m" } } as Cut), undefined);
  assert.deepEqual([behind("latency_p95_ms", cut), behind("helpful_rate", cut)], [undefined, undefined]);
});
