/** A saved configuration of any shape gives a chat that works, in a language that the visitor reads. */

import assert from "node:assert/strict";
import test from "node:test";
import { direction, localeOf, parseConfig, pick } from "../src/config";
import { readIdentity } from "../src/identity";
import { paletteRules } from "../src/palette";
import german from "../src/texts/de.json";
import english from "../src/texts/en.json";

test("the visitor's language is found by locale, then by language", () => {
  const names = ["en", "de", "pt-BR", "pt"];
  assert.equal(pick(names, ["pt-BR", "en"]), "pt-BR");
  assert.equal(pick(names, ["de-AT", "en"]), "de");
  assert.equal(pick(names, ["fi", "en-GB"]), "en");
  assert.equal(pick(names, ["fi"]), "");
});

test("only an offered language is shown, else the default one", () => {
  const saved = { languages: ["en", "ar"], default_locale: "en" };
  assert.equal(localeOf(saved, ["ar-EG", "en"]), "ar");
  assert.equal(localeOf(saved, ["de", "fr"]), "en");
  assert.equal(localeOf({}, ["de"]), "en");
});

test("what the owner left out are the chat's own words in that language", () => {
  const { texts, locale } = parseConfig({ texts: { de: { send: "Los" } }, default_locale: "de" }, "de", german);
  assert.deepEqual([locale, texts.send, texts.retry], ["de", "Los", german.retry]);
});

test("an owner's question is asked in the visitor's language, else in the default one", () => {
  const saved = { default_locale: "en", pre_chat: [{ kind: "custom", labels: { en: "Insurer", de: "Kasse" } }, { kind: "phone" }] };
  assert.deepEqual(parseConfig(saved, "de-AT", german).preChat.map((one) => one.label), ["Kasse", "Telefon"]);
  assert.deepEqual(parseConfig(saved, "fr", english).preChat.map((one) => one.label), ["Insurer", "Phone"]);
});

test("nonsense gives the defaults", () => {
  for (const nonsense of [null, 7, [], { theme: "red", texts: 3, suggested_questions: {}, avatar_url: "javascript:x" }]) {
    const config = parseConfig(nonsense, "en", english);
    assert.equal(config.avatar, "");
    assert.equal(config.mode, "auto");
    assert.deepEqual(config.proactive, { seconds: 0, percent: 0 });
    assert.ok(paletteRules(config.theme).startsWith(":host{color-scheme:light;--ah-radius:0px;}"));
  }
});

test("neither a font nor a colour can carry rules into the sheet", () => {
  const evil = "#123456;} :host{display:none";
  const rules = paletteRules({ font: "x;} :host{display:none", radius: evil, light: { accent: evil, "a:b;c": "#123456" }, dark: {} });
  assert.ok(!/display|123456/.test(rules), rules);
  assert.ok(paletteRules({ font: 'Georgia, "Noto Serif"', light: { "on-accent": "#FFFFFF" } }).includes("--ah-on-accent:#FFFFFF;"));
});

test("Arabic runs from right to left", () => {
  assert.deepEqual(["ar", "ar-EG", "he", "en", "area"].map(direction), ["rtl", "rtl", "rtl", "ltr", "ltr"]);
});

test("an identity is read as it was signed, and nonsense is nobody's", () => {
  const payload = Buffer.from(JSON.stringify({ sub: "7", name: "Zoë Müller–Öz" })).toString("base64url");
  assert.deepEqual(readIdentity(`x.${payload}.y`), { sub: "7", name: "Zoë Müller–Öz" });
  for (const nonsense of ["", "a.b", "a.%%.c", "..", `x.${Buffer.from("[1]").toString("base64url")}.y`]) {
    assert.deepEqual(readIdentity(nonsense), {});
  }
});
