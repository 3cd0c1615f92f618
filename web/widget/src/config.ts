/** The public part of a widget, as its owner saved it: read once per page from the CDN. */

import { fields, list, text, webAddress } from "./parse";
import type { Fields } from "./parse";
import type words from "./texts/en.json";

/** The chat's own words, one file a language; an owner may replace each under its name. */
export type Words = typeof words;

export type Texts = Words & { readonly privacy_notice: string };

/** What a form asks for. */
export interface Asked {
  /** name, email, phone; anything else is the owner's own question. */
  readonly kind: string;
  readonly label: string;
  readonly required: boolean;
}

export interface Config {
  readonly widget: string;
  readonly name: string;
  readonly avatar: string;
  readonly apiUrl: string;
  readonly chatUrl: string;
  /** For palette.ts. */
  readonly theme: Fields;
  /** auto, light or dark. */
  readonly mode: string;
  /** end or start. */
  readonly position: string;
  readonly locale: string;
  readonly texts: Texts;
  readonly suggestions: readonly string[];
  readonly feedback: boolean;
  readonly rating: boolean;
  readonly handOff: boolean;
  /** What the form before the first message asks for; empty when there is none. */
  readonly preChat: readonly Asked[];
  /** When the closed chat says something by itself: seconds, percent of the page; 0: never. */
  readonly proactive: { readonly seconds: number; readonly percent: number };
}

const RTL = /^(ar|ckb|dv|fa|he|ku|ps|sd|ug|ur|yi)\b/i;

export function direction(locale: string): "ltr" | "rtl" {
  return RTL.test(locale) ? "rtl" : "ltr";
}

/** The one of `names` that fits one of `wanted` best: the very locale, else its language; "" when none does. */
export function pick(names: readonly string[], wanted: readonly string[]): string {
  const language = (locale: string): string => locale.replace(/-.*/, "").toLowerCase();
  for (const locale of wanted) {
    const near = names.filter((name) => language(name) === language(locale));
    if (near[0]) return near.includes(locale) ? locale : near[0];
  }
  return "";
}

/** The language for a visitor who reads `wanted`, most wanted first: one that the widget offers. */
export function localeOf(source: unknown, wanted: readonly string[]): string {
  const saved = fields(source);
  const offered = list(saved["languages"]).map((one) => text(one));
  return pick(offered, wanted) || text(saved["default_locale"], "en");
}

/** The configuration in `source`, in `locale`; `words` are the chat's own in that language. */
export function parseConfig(source: unknown, locale: string, words: Words): Config {
  const saved = fields(source);
  const theme = fields(saved["theme"]);
  const proactive = fields(saved["proactive"]);
  const count = (value: unknown): number => Number(value) || 0;
  const local = (table: Fields): unknown => table[pick(Object.keys(table), [locale, text(saved["default_locale"])])];
  const table = fields(saved["texts"]);
  const texts: Texts & Readonly<Record<string, string>> = Object.assign(
    { privacy_notice: "" },
    words,
    table[pick(Object.keys(table), [locale])],
  );
  return {
    widget: text(saved["widget"]),
    name: text(saved["name"]),
    avatar: webAddress(saved["avatar_url"]),
    apiUrl: text(saved["api_url"]),
    chatUrl: text(saved["chat_url"]),
    theme,
    mode: text(theme["mode"], "auto"),
    position: text(theme["position"]),
    locale,
    texts,
    suggestions: list(saved["suggested_questions"]).map((one) => text(one)),
    feedback: saved["feedback"] !== false,
    rating: saved["rating"] === true,
    handOff: saved["hand_off"] === true,
    preChat: list(saved["pre_chat"])
      .map(fields)
      .map(({ kind, required, labels }) => ({
        kind: text(kind),
        label: text(local(fields(labels)), texts[text(kind)]),
        required: required === true,
      })),
    proactive: { seconds: count(proactive["after_seconds"]), percent: count(proactive["scroll_percent"]) },
  };
}
