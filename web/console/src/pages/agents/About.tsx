/** What a warning says, how often, and the lines that it is about. */

import { count } from "../../format";
import type { Said } from "./warnings";

export function About({ warning, times, about }: Said) {
  return (
    <span class="break">
      {times > 1 ? `${count(times)} times: ` : ""}
      {warning.message}
      {about.map((line) => (
        <span key={line} class="muted block" dir="auto">
          “{line}”
        </span>
      ))}
    </span>
  );
}
