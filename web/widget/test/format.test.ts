/** What a model writes becomes a small known set of blocks; everything else stays text. */

import assert from "node:assert/strict";
import test from "node:test";
import { blocks, inline } from "../src/format";

test("paragraphs, line breaks and lists are told apart", () => {
  assert.deepEqual(blocks("One\ntwo\n\n- a\n- b\n\n3. c\n4) d"), [
    { lines: [["One"], ["two"]] },
    { items: [["a"], ["b"]], start: 0 },
    { items: [["c"], ["d"]], start: 3 },
  ]);
});

test("a blank line inside a list does not end it, a paragraph does", () => {
  assert.deepEqual(blocks("1. a\n\n2. b\nafter"), [
    { items: [["a"], ["b"]], start: 1 },
    { lines: [["after"]] },
  ]);
});

test("bold, code, links and references are found inside a line", () => {
  assert.deepEqual(inline("A **very `odd`** `x*y` [page](https://a.example/b) see https://c.example/d. [2]"), [
    "A ",
    { tag: "strong", parts: ["very ", { tag: "code", parts: ["odd"] }] },
    " ",
    { tag: "code", parts: ["x*y"] },
    " ",
    { url: "https://a.example/b", label: "page" },
    " see ",
    { url: "https://c.example/d", label: "https://c.example/d" },
    ". ",
    { source: 2 },
  ]);
});

test("only web addresses become links", () => {
  for (const line of ["[x](javascript:alert(1))", "[x](data:text/html,hi)", "javascript:alert(1)", "[x](//a.example)", "[x](ftp://a.example)"]) {
    assert.ok(inline(line).every((part) => typeof part === "string" || !("url" in part)), line);
  }
});

test("markup is text like any other", () => {
  assert.deepEqual(blocks("<img src=x onerror=alert(1)>"), [
    { lines: [["<img src=x onerror=alert(1)>"]] },
  ]);
});

test("half an answer is shown as far as it makes sense", () => {
  assert.deepEqual(blocks("```\nlet x"), [{ code: "let x" }]);
  assert.deepEqual(inline("**bo"), ["**bo"]);
});

test("no text is lost", () => {
  const plain = (source: string): string => JSON.stringify(blocks(source)).replace(/[^a-z]/g, "");
  for (const word of ["alpha", "beta", "gamma"]) {
    for (const frame of ["**$", "`$", "[$](", "[$](http", "- $\n$", "# $", "```$\n$", "1. **$** `$`"]) {
      assert.ok(plain(frame.replaceAll("$", word)).includes(word) || frame.startsWith("```"), frame);
    }
  }
});

test("crafted text takes no time", () => {
  const began = performance.now();
  for (const bait of ["[", "**", "`", "[a](https://", "https://", "- ", "1. ", "#"]) blocks(bait.repeat(20_000 / bait.length));
  assert.ok(performance.now() - began < 2_000);
});
