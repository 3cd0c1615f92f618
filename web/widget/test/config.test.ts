/** A saved configuration of any shape gives a chat that works and can be read. */

import assert from "node:assert/strict";
import test from "node:test";
import { direction, parseConfig, pick } from "../src/config";
import { colours, contrast, paletteRules } from "../src/palette";

test("the visitor's language is found by locale, then by language", () => {
  const table = { en: {}, de: {}, "pt-BR": {}, pt: {} };
  assert.equal(pick(table, ["pt-BR", "en"]), "pt-BR");
  assert.equal(pick(table, ["de-AT", "en"]), "de");
  assert.equal(pick(table, ["fi", "en-GB"]), "en");
  assert.equal(pick(table, ["fi"]), "");
});

test("texts that the owner left out are English", () => {
  const { texts, locale } = parseConfig({ texts: { de: { send: "Senden" } }, default_locale: "de" }, ["fr"]);
  assert.deepEqual([locale, texts.send, texts.retry], ["de", "Senden", "Try again"]);
});

test("nonsense gives the defaults", () => {
  for (const nonsense of [null, 7, [], { theme: "red", texts: 3, suggested_questions: {}, avatar_url: "javascript:x" }]) {
    const config = parseConfig(nonsense, []);
    assert.equal(config.avatar, "");
    assert.equal(config.mode, "auto");
    assert.ok(paletteRules(config.theme).includes("--ah-accent:#1C1D21"));
  }
});

test("a font cannot carry rules into the sheet", () => {
  const { theme } = parseConfig({ theme: { font: "x;} :host{display:none" } }, []);
  assert.ok(!paletteRules(theme).includes("display"));
});

test("Arabic runs from right to left", () => {
  assert.deepEqual(["ar", "ar-EG", "he", "en", "area"].map(direction), ["rtl", "rtl", "rtl", "ltr", "ltr"]);
});

test("any accent of the owner is legible in both schemes", () => {
  for (const accent of ["#FFFF00", "#000000", "#FFFFFF", "#FF0000", "#777777", "#2B50D3"]) {
    const { theme } = parseConfig({ theme: { name: "Ocean", accent } }, []);
    for (const scheme of [0, 1] as const) {
      const found = colours(theme, scheme);
      for (const ground of ["surface", "bubble", "on-accent"]) {
        assert.ok(contrast(found["accent"] ?? "", found[ground] ?? "") >= 5.5, `${accent} on ${ground}, ${scheme}`);
      }
    }
  }
});
