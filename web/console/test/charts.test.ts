/** What a chart draws, reads out and hands on, worked out of numbers alone. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { csv, fileName, quoted } from "../src/charts/csv";
import { lone, moved, named, type Plotted, ranked, reading, ticks, traces } from "../src/charts/model";

const chart = (more: Partial<Plotted>): Plotted => ({ name: "Turns", at: [0, 60, 120], series: [{ name: "Turns", values: [1, 2, 3], colour: 1 }], kind: "columns", write: String, writeAt: (at) => `${at} s`, ...more });

test("ticks begin at 0 and reach over the largest value", () => {
  for (const most of [0.0004, 0.7, 1, 3, 7, 41, 99.9, 1234, 8.1e9]) {
    const made = ticks([most * 0.9, most]);
    assert.equal(made[0], 0);
    assert.ok(made.at(-1)! >= most, `${most}: ${made}`);
    assert.ok(made.at(-1)! <= most * 2.5, `${most}: ${made}`);
    assert.ok(made.length >= 2 && made.length <= 8, `${most}: ${made}`);
  }
});

test("ticks are told apart when they are written, and whole where values are", () => {
  assert.deepEqual(ticks([0.3]), [0, 0.1, 0.2, 0.3]);
  assert.deepEqual(ticks([1, 2, null], 6, true), [0, 1, 2]);
  assert.deepEqual(ticks([5]), [0, 1, 2, 3, 4, 5]);
});

test("without a value, or with only 0, the axis still goes from 0 to 1, and values below 0 are in it", () => {
  assert.deepEqual([ticks([]).at(0), ticks([]).at(-1)], [0, 1]);
  assert.deepEqual([ticks([0, null]).at(0), ticks([0, null]).at(-1)], [0, 1]);
  assert.ok(ticks([-3, 4])[0]! <= -3);
  assert.ok(ticks([-3, 4]).includes(0));
});

test("a step without a known neighbour is a lone one, which a line cannot show", () => {
  assert.deepEqual(lone([null, 1, null, 2, 3, null, 0]), [1, 6]);
  assert.deepEqual(lone([]), []);
});

test("the step that is not over is a path of its own: a column of it, or the way of a line to it", () => {
  const [over, open] = traces(chart({ unfinished: true }));
  assert.deepEqual([over!.values, open!.values, open!.pale], [[1, 2, null], [null, null, 3], true]);
  const lines = traces(chart({ unfinished: true, kind: "line" }));
  assert.deepEqual(lines.map((one) => one.values), [[1, 2, null], [null, 2, 3]]);
  assert.ok(lines[1]!.dash.length > 0);
  assert.equal(traces(chart({ unfinished: true, series: [{ name: "a", values: [1, 2, null] }] })).length, 1);
});

test("the period before is dashed and grey, and lies over the columns with a seam around it", () => {
  const found = traces(chart({ series: [{ name: "now", values: [1, 2, 3], colour: 1 }, { name: "before", values: [3, 2, 1], dashed: true }] }));
  assert.deepEqual(found.map((one) => [one.series.name, one.kind, Boolean(one.casing), one.dash.length > 0]), [["now", "columns", false, false], ["before", "line", true, false], ["before", "line", false, true]]);
});

test("several lines differ by their pattern, too; a single one is solid", () => {
  const line = (colour: 1 | 2 | 3 | 4 | 5 | 6) => ({ name: `${colour}`, values: [1], colour });
  const patterns = traces(chart({ kind: "line", at: [0], series: ([1, 2, 3, 4, 5, 6] as const).map(line) })).map((one) => one.dash.join());
  assert.equal(new Set(patterns).size, 6);
  assert.deepEqual(traces(chart({ kind: "line", at: [0], series: [line(2)] }))[0]!.dash, []);
});

test("what is to come is read as the projection alone, and not as missing data", () => {
  const month = chart({ kind: "line", series: [{ name: "Charged", values: [1, 2, null], colour: 1 }, { name: "At this pace", values: [null, 2, 4], dashed: true, forecast: true }] });
  assert.deepEqual([0, 1, 2].map((step) => reading(month, step).values.map((one) => one.series.name)), [["Charged"], ["Charged", "At this pace"], ["At this pace"]]);
});

test("a step is read with its time, its values, and what is not known", () => {
  assert.equal(reading(chart({}), 1).sentence, "60 s: 2.");
  const two = chart({ series: [{ name: "p50", values: [1, null, 3] }, { name: "p95", values: [4, 5, 6] }, { name: "Projection", values: [null, null, 9], dashed: true }], unfinished: true });
  assert.equal(reading(two, 1).sentence, "60 s: p50 no data, p95 5.");
  assert.equal(reading(two, 2).sentence, "120 s, not over yet: p50 3, p95 6, Projection 9.");
});

test("keys lead from step to step, to both ends and no further, mirrored from right to left", () => {
  assert.deepEqual([moved("ArrowRight", null, 3), moved("ArrowRight", 2, 3), moved("ArrowLeft", 0, 3), moved("Home", 2, 3), moved("End", 0, 3)], [2, 2, 0, 0, 2]);
  assert.deepEqual([moved("ArrowRight", 1, 3, true), moved("Tab", 1, 3), moved("End", null, 0)], [0, undefined, undefined]);
});

test("labels are named in equal steps from the first on", () => {
  assert.deepEqual(named(30, 6), [0, 5, 10, 15, 20, 25]);
  assert.deepEqual([named(3, 10), named(0, 4), named(5, 0)], [[0, 1, 2], [], [0]]);
});

test("ten have a bar and the rest are Other together; unknown is last and no part of a sum", () => {
  const items = Array.from({ length: 14 }, (_, i) => ({ i, value: i === 3 ? null : i }));
  const { first, rest, sum } = ranked(items);
  assert.deepEqual(first.map((one) => one.value), [13, 12, 11, 10, 9, 8, 7, 6, 5, 4]);
  assert.deepEqual([rest.length, rest.at(-1)!.value, sum], [4, null, 3]);
  // An "Other" of one would take the room of its name.
  assert.equal(ranked(items.slice(0, 11)).rest.length, 0);
  assert.equal(ranked([{ value: null }, { value: null }], 0).sum, null);
});

test("cells are quoted where they must be, and nothing is a formula", () => {
  assert.deepEqual(['a,b', 'say "hi"', "two\nlines", "plain", " space"].map(quoted), ['"a,b"', '"say ""hi"""', '"two\nlines"', "plain", '" space"']);
  for (const evil of ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"]) assert.ok(quoted(evil).startsWith(`"'`), evil);
});

test("numbers go whole and unknown is empty", () => {
  assert.equal(csv([["time", "a"], ["x", 1234567.5], ["y", -3], ["z", null], ["w", undefined], ["n", Number.NaN]]), "time,a\r\nx,1234567.5\r\ny,-3\r\nz,\r\nw,\r\nn,\r\n");
});

test("a file has a name that every system takes", () => {
  assert.equal(fileName('Turns: a/b\\c "d"?', "csv"), "Turns a b c d .csv".replace(" .", "."));
  assert.equal(fileName("///", "csv"), "Figures.csv");
  assert.ok(fileName("x".repeat(400), "csv").length < 130);
});
