/** What holds while a page has something unsaved: Ctrl or Cmd-S saves it, and nobody leaves it unasked. */

import { useLayoutEffect } from "preact/hooks";
import { guardLeaving } from "./routing";

/** With `question`, which is asked before it is left; without one there is nothing to lose. `within`: see guardLeaving. */
export function useUnsaved(question: string | undefined, save: () => void, within?: readonly string[]): void {
  useLayoutEffect(() => {
    if (question === undefined) return;
    const keys = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
        event.preventDefault();
        save();
      }
    };
    const leave = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("keydown", keys);
    addEventListener("beforeunload", leave);
    const release = guardLeaving(() => confirm(question), within);
    return () => {
      removeEventListener("keydown", keys);
      removeEventListener("beforeunload", leave);
      release();
    };
  });
}
