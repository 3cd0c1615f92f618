/** Makes the colour rules of a widget from its public file, where every colour has been decided and checked. */

import { fields, text } from "./parse";
import type { Fields } from "./parse";

/** Only what is a colour under a plain name enters the sheet: the file is data from outside. */
function declarations(colours: unknown): string {
  return Object.entries(fields(colours))
    .map(([name, value]) => (/^[a-z-]+ #[\da-f]{6}$/i.test(`${name} ${text(value)}`) ? `--ah-${name}:${value};` : ""))
    .join("");
}

/** The rules that give the colours, the radius and the font of `theme` to a shadow root. */
export function paletteRules({ light, dark, radius, font }: Fields): string {
  const named = /^[\w\s,'"-]+$/.test(text(font)) ? `--ah-font:${font};` : "";
  const night = `{color-scheme:dark;${declarations(dark)}}`;
  return (
    `:host{color-scheme:light;--ah-radius:${Number(radius) || 0}px;${named}${declarations(light)}}` +
    `@media(prefers-color-scheme:dark){:host([mode=auto])${night}}:host([mode=dark])${night}`
  );
}
