/** What holds while a page has something unsaved: Ctrl or Cmd-S saves it where it is in sight, and nobody leaves it unasked. */

import { useContext, useLayoutEffect } from "preact/hooks";
import { Sight } from "./parts/pane";
import { guardLeaving } from "./routing";

/** With `question`, which is asked before it is left; without one there is nothing to lose. `within`: see guardLeaving. */
export function useUnsaved(question: string | undefined, save: () => void, within?: readonly string[]): void {
  const { seen } = useContext(Sight);
  useLayoutEffect(() => {
    if (question === undefined) return;
    const keys = (event: KeyboardEvent) => {
      if (seen && (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
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
