/** The tokens as a canvas takes them: it knows no variables, so a hidden probe is asked for its computed colour. */

import type { Colour } from "./model";

export interface Colours {
  series: (colour: Colour | undefined) => string;
  grid: string;
  text: string;
  muted: string;
  surface: string;
}

/** The colours that hold inside `box` just now. */
export function coloursIn(box: HTMLElement): Colours {
  const probe = document.createElement("span");
  probe.hidden = true;
  box.append(probe);
  const of = (token: string): string => {
    probe.style.color = `var(--${token})`;
    return getComputedStyle(probe).color;
  };
  const series = new Map<Colour | undefined, string>(([1, 2, 3, 4, 5, 6] as const).map((colour) => [colour, of(`chart-${colour}`)]));
  const rest = of("chart-rest");
  const found = { series: (colour: Colour | undefined) => series.get(colour) ?? rest, grid: of("chart-grid"), text: of("text"), muted: of("text-muted"), surface: of("surface") };
  probe.remove();
  return found;
}

const MEDIA = ["(prefers-color-scheme: dark)", "(forced-colors: active)"];

/** Calls back whenever colours may have changed; returns how to stop that. */
export function onColours(changed: () => void): () => void {
  const lists = MEDIA.map((query) => matchMedia(query));
  addEventListener("themechange", changed);
  for (const list of lists) list.addEventListener("change", changed);
  return () => {
    removeEventListener("themechange", changed);
    for (const list of lists) list.removeEventListener("change", changed);
  };
}
