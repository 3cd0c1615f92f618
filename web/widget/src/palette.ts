/** Makes the colour rules of a widget from its theme, and keeps a customer's own accent legible in light and dark. */

import type { Theme } from "./config";
import data from "./themes.json";

/** Red, green and blue of a colour RRGGBB, 0 to 255. */
function channels(hex: string): number[] {
  return [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}

/** WCAG 2's relative luminance, raised by the 0.05 of the contrast formula. */
function light(hex: string): number {
  const [r = 0, g = 0, b = 0] = channels(hex).map((value) => (value > 10 ? ((value / 255 + 0.055) / 1.055) ** 2.4 : value / 3294.6));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
}

/** The contrast ratio of WCAG 2 between two colours RRGGBB. */
export function contrast(one: string, other: string): number {
  const ratio = light(one) / light(other);
  return Math.max(ratio, 1 / ratio);
}

/** `colour` moved towards `target` (0: black, 255: white) until it is text on each of `grounds`: 5.5 to 1. */
export function legible(colour: string, grounds: readonly string[], target: number): string {
  let tried = colour;
  for (let share = 0; share < 1 && !grounds.every((ground) => contrast(tried, ground) >= 5.5); share += 0.05) {
    tried = channels(colour)
      .map((value) => Math.round(value + (target - value) * share).toString(16).padStart(2, "0"))
      .join("");
  }
  return tried;
}

/** A saved colour #RRGGBB without its sign; "" when it is none. */
function own(colour: string): string {
  return /^#([0-9a-f]{6})$/i.exec(colour)?.[1] ?? "";
}

/** The colours of `theme` as RRGGBB, and its radius, by name, for light (0) or dark (1). */
export function colours(theme: Theme, scheme: 0 | 1): Record<string, string> {
  const themes: Record<string, string> = data;
  const found: Record<string, string> = {};
  // Each entry of the table is "name light dark"; the theme's own come after the common ones and win.
  const table = `${data.base} ${themes[theme.name] ?? data.paper}`.split(" ");
  for (let at = 0; at < table.length; at += 3) found[table[at] ?? ""] = table[at + 1 + scheme] ?? "";
  const { surface = "", text = "", "on-accent": onAccent = "" } = found;
  const bubble = own(theme.bubble);
  // One colour is saved for both schemes: the own bubble serves light only, dark keeps the theme's.
  if (bubble && !scheme && contrast(bubble, text) >= 5.5) found["bubble"] = bubble;
  const accent = own(theme.accent);
  if (accent) found["accent"] = legible(accent, [surface, onAccent, found["bubble"] ?? ""], scheme * 255);
  return found;
}

/** The rules that give the colours, the radius and the font of `theme` to a shadow root. */
export function paletteRules(theme: Theme): string {
  const rules = (scheme: 0 | 1): string =>
    `{color-scheme:${scheme ? "dark" : "light"};${Object.entries(colours(theme, scheme))
      .map(([name, value]) => `--ah-${name}:${name === "radius" ? `${theme.radius ?? value}px` : `#${value}`};`)
      .join("")}`;
  // A font's name is data from outside: only what a list of names is made of enters the sheet.
  const font = /^[\w\s,'"-]+$/.test(theme.font) ? `--ah-font:${theme.font}` : "";
  const dark = rules(1);
  return `:host${rules(0)}${font}}@media(prefers-color-scheme:dark){:host([mode=auto])${dark}}}:host([mode=dark])${dark}}`;
}
