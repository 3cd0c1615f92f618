/** The room of conversations: the list beside the transcript, hand-offs, leads. */

import "../../styles/conversations.css";
import { useEffect } from "preact/hooks";
import { usePages } from "../../api/resource";
import { Button } from "../../parts/basics";
import { Page, Tabs } from "../../parts/page";
import { go, to, useQuery, withQuery } from "../../routing";
import { may } from "../../session/session";
import { Filters, filtersOf, queryOf } from "./filters";
import HandOffs from "./HandOffs";
import Leads from "./Leads";
import { ConversationList } from "./ConversationList";
import Transcript from "./Transcript";

export default function Conversations({ conversation }: { conversation?: string }) {
  const [query] = useQuery();
  const tab = conversation ? "" : (query.tab ?? "");
  return (
    <Page
      title="Conversations"
      tabs={
        <Tabs
          label="Conversations"
          current={tab}
          tabs={[
            { id: "", label: "All", href: "/conversations" },
            { id: "hand-offs", label: "Hand-offs", href: "/conversations?tab=hand-offs" },
            may("member") && { id: "leads", label: "Leads", href: "/conversations?tab=leads" },
          ]}
        />
      }
    >
      {tab === "hand-offs" ? <HandOffs /> : tab === "leads" ? <Leads /> : <Both conversation={conversation} />}
    </Page>
  );
}

/** The list and what is open of it; below 1280 px one of the two. */
function Both({ conversation }: { conversation: string | undefined }) {
  const [query, change] = useQuery();
  const filters = filtersOf(query);
  const pages = usePages("/api/conversations", { query: queryOf(filters) });
  const open = (id: string) => withQuery(`/conversations/${id}`, filters);
  useEffect(() => {
    if (conversation && !query.turn) scrollTo(0, 0);
  }, [conversation]);
  const gone = () => {
    pages.change((items) => items.filter((one) => one.id !== conversation));
    go(withQuery("/conversations", filters), { replace: true, from: `/conversations/${conversation}` });
  };
  return (
    <div class={`talks${conversation ? " opened" : ""}`}>
      <section class="talks-list" aria-label="List of conversations">
        <Filters filters={filters} change={change} refresh={pages.reload} busy={pages.busy} />
        <ConversationList pages={pages} current={conversation} filters={filters} open={open} clear={() => change(Object.fromEntries(Object.keys(filters).map((name) => [name, undefined])))} />
      </section>
      <section class="talks-open" aria-label="Conversation">
        {conversation ? (
          <>
            <div class="talks-back">
              <Button kind="quiet" icon="back" href={to("/conversations", filters)}>
                All conversations
              </Button>
            </div>
            <Transcript key={conversation} id={conversation} turn={query.turn} gone={gone} />
          </>
        ) : (
          pages.items.length > 0 && <p class="empty muted">Choose a conversation: its transcript stands here, with what each answer took and cost.</p>
        )}
      </section>
    </div>
  );
}
