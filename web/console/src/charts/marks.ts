/** The shapes at the end of lines and in legends, by colour, so that series can be told without seeing colours. */

import type { Colour } from "./model";

/** As SVG paths in a box of 8 around (0, 0); the canvas takes the same text. */
export const MARKS: Record<Colour | 0, string> = {
  0: "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z",
  1: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
  2: "M-3.5-3.5h7v7h-7z",
  3: "M0-4.5 4.5 3.5h-9z",
  4: "M0-5 5 0 0 5-5 0z",
  5: "M-4.5-3.5h9L0 4.5z",
  6: "M-1.5-4.5h3v3h3v3h-3v3h-3v-3h-3v-3h3z",
};
