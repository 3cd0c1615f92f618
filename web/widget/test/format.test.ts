/** What a model writes becomes a small known set of blocks; everything else stays text. */

import assert from "node:assert/strict";
import test from "node:test";
import { blocks, inline } from "../src/format";

const text = (value: string) => ({ kind: "text", text: value });

test("paragraphs, line breaks and lists are told apart", () => {
  assert.deepEqual(blocks("One\ntwo\n\n- a\n- b\n\n3. c\n4) d"), [
    { kind: "paragraph", lines: [[text("One")], [text("two")]] },
    { kind: "list", start: 0, items: [[text("a")], [text("b")]] },
    { kind: "list", start: 3, items: [[text("c")], [text("d")]] },
  ]);
});

test("a blank line inside a list does not end it, a paragraph does", () => {
  assert.deepEqual(blocks("1. a\n\n2. b\nafter"), [
    { kind: "list", start: 1, items: [[text("a")], [text("b")]] },
    { kind: "paragraph", lines: [[text("after")]] },
  ]);
});

test("bold, code, links and references are found inside a line", () => {
  assert.deepEqual(inline("A **very `odd`** `x*y` [page](https://a.example/b) see https://c.example/d. [2]"), [
    text("A "),
    { kind: "bold", parts: [text("very "), { kind: "code", text: "odd" }] },
    text(" "),
    { kind: "code", text: "x*y" },
    text(" "),
    { kind: "link", text: "page", url: "https://a.example/b" },
    text(" see "),
    { kind: "link", text: "https://c.example/d", url: "https://c.example/d" },
    text(". "),
    { kind: "cite", number: 2 },
  ]);
});

test("only web addresses become links", () => {
  for (const line of ["[x](javascript:alert(1))", "[x](data:text/html,hi)", "javascript:alert(1)", "[x](//a.example)", "[x](ftp://a.example)"]) {
    assert.ok(inline(line).every((part) => part.kind !== "link"), line);
  }
});

test("markup is text like any other", () => {
  assert.deepEqual(blocks("<img src=x onerror=alert(1)>"), [
    { kind: "paragraph", lines: [[text("<img src=x onerror=alert(1)>")]] },
  ]);
});

test("half an answer is shown as far as it makes sense", () => {
  assert.deepEqual(blocks("```\nlet x"), [{ kind: "code", text: "let x" }]);
  assert.deepEqual(inline("**bo"), [text("**bo")]);
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
