/** The public part of a widget, as its owner saved it: read once per page from the CDN. */

import { fields, list, text, webAddress } from "./parse";
import type { Fields } from "./parse";
import { ENGLISH } from "./texts";
import type { Texts } from "./texts";

export interface Theme {
  /** Lower case; an unknown one looks like `paper`. */
  readonly name: string;
  readonly accent: string;
  readonly bubble: string;
  /** px; null: the theme's own. */
  readonly radius: number | null;
  readonly font: string;
}

export interface Config {
  readonly widget: string;
  readonly name: string;
  readonly avatar: string;
  readonly apiUrl: string;
  readonly chatUrl: string;
  readonly theme: Theme;
  /** auto, light or dark. */
  readonly mode: string;
  /** end or start. */
  readonly position: string;
  readonly locale: string;
  readonly texts: Texts;
  readonly suggestions: readonly string[];
  readonly feedback: boolean;
  readonly handOff: boolean;
  /** What the form before the first message asks for: name, email; empty when there is none. */
  readonly preChat: readonly unknown[];
}

const RTL = /^(ar|ckb|dv|fa|he|ku|ps|sd|ug|ur|yi)\b/i;

export function direction(locale: string): "ltr" | "rtl" {
  return RTL.test(locale) ? "rtl" : "ltr";
}

/** The name in `table` that fits one of `wanted` best: the very locale, else its language; "" when none does. */
export function pick(table: Fields, wanted: readonly string[]): string {
  const language = (locale: string): string => locale.replace(/-.*/, "").toLowerCase();
  for (const locale of wanted) {
    const names = Object.keys(table).filter((name) => language(name) === language(locale));
    if (names[0]) return names.includes(locale) ? locale : names[0];
  }
  return "";
}

/** The configuration in `source` for a visitor who reads `wanted`, most wanted first. */
export function parseConfig(source: unknown, wanted: readonly string[]): Config {
  const saved = fields(source);
  const theme = fields(saved["theme"]);
  const radius = theme["radius"];
  const table = fields(saved["texts"]);
  const locale = pick(table, [...wanted, text(saved["default_locale"])]);
  const texts: Record<string, string> & Texts = { ...ENGLISH };
  for (const [name, value] of Object.entries(fields(table[locale]))) texts[name] = text(value);
  const url = (name: string): string => text(saved[name]).replace(/\/$/, "");
  return {
    widget: text(saved["widget"]),
    name: text(saved["name"]),
    avatar: webAddress(saved["avatar_url"]),
    apiUrl: url("api_url"),
    chatUrl: url("chat_url"),
    theme: {
      name: text(theme["name"]).toLowerCase(),
      accent: text(theme["accent"]),
      bubble: text(theme["bubble"]),
      radius: typeof radius === "number" ? radius : null,
      font: text(theme["font"]),
    },
    mode: text(theme["mode"], "auto"),
    position: text(theme["position"]),
    locale: locale || "en",
    texts,
    suggestions: list(saved["suggested_questions"]).map((one) => text(one)).slice(0, 4),
    feedback: saved["feedback"] !== false,
    handOff: saved["hand_off"] === true,
    preChat: list(fields(saved["pre_chat"])["fields"]),
  };
}
