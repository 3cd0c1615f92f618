/** What can be done about a visitor: see the rest they said, give it to them, erase it all. */

import { useState } from "preact/hooks";
import { save } from "../../charts/Chart";
import { call, type Schemas } from "../../api/client";
import { forget, useAction } from "../../api/resource";
import { Confirm, Menu, toast } from "../../parts/dialog";
import { ErrorNote } from "../../parts/problem";
import { go, withQuery } from "../../routing";
import { may } from "../../session/session";

export function VisitorActions({ visitor, gone }: { visitor: string; gone: () => void }) {
  const [erasing, setErasing] = useState(false);
  const exporting = useAction(async () => {
    const all: Schemas["ExportedConversation"][] = [];
    let visit: Schemas["ExportedVisit"] | null = null;
    let page_token: string | undefined;
    do {
      const { data } = await call("get", "/api/visitors/{visitor}", { path: { visitor }, query: { page_size: 100, ...(page_token ? { page_token } : {}) } });
      visit = data.visitor;
      for (const one of data.items) {
        // A very long conversation goes on in the next page.
        const begun = all.at(-1);
        if (begun?.id === one.id) begun.turns.push(...one.turns);
        else all.push(one);
      }
      page_token = data.next_page_token ?? undefined;
    } while (page_token);
    save(`visitor-${visitor}.json`, "application/json", JSON.stringify({ visitor_id: visitor, visit, conversations: all }, null, 2));
  });
  return (
    <>
      <div class="row muted">
        <span>
          Visitor <code title={visitor}>…{visitor.slice(-6)}</code>
        </span>
        <Menu
          label="About this visitor"
          kind="quiet"
          icon="person"
          items={[
            { label: "Their conversations", onSelect: () => go(withQuery("/conversations", { visitor })) },
            may("admin") && { label: "Export all they said", onSelect: () => void exporting.run() },
            may("admin") && { label: "Erase all they said", danger: true, onSelect: () => setErasing(true) },
          ]}
        />
      </div>
      {exporting.problem && <ErrorNote problem={exporting.problem} retry={exporting.run} safe="Nothing was saved." />}
      {erasing && (
        <Confirm
          title="Erase everything of this visitor?"
          action="Erase visitor"
          typed="erase"
          onClose={() => setErasing(false)}
          act={async () => {
            await call("delete", "/api/visitors/{visitor}", { path: { visitor } });
            toast("All that the visitor said is erased");
            gone();
            forget("/api/conversations", "/api/hand-offs", "/api/leads", "/api/dashboard");
          }}
        >
          <p>All conversations of this visitor, with contact details, hand-offs and ratings, will be gone for good. Figures and charges stay, without any words.</p>
        </Confirm>
      )}
    </>
  );
}
