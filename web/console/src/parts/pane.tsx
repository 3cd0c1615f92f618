/** A part of a page that stays while another one shows: its dialogs are seen all the same, its keys act only in sight. */

import { type ComponentChildren, createContext } from "preact";
import { useState } from "preact/hooks";

/** What a part knows of where it stands: whether it is in sight, and where its dialogs show then and else. */
export const Sight = createContext<{ seen: boolean; dialogs?: Element }>({ seen: true });

export function Pane({ hidden, children }: { hidden: boolean; children: ComponentChildren }) {
  // A dialog below something hidden would hold up the page unseen.
  const [dialogs, setDialogs] = useState<Element | null>(null);
  return (
    <>
      <div class="stack loose" hidden={hidden}>
        {dialogs && <Sight.Provider value={{ seen: !hidden, dialogs }}>{children}</Sight.Provider>}
      </div>
      <div ref={setDialogs} style={{ display: "contents" }} />
    </>
  );
}
