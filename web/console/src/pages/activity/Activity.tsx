/** Who did what: a feed for everybody, and the audit log with what was before and after. */

import "../../styles/activity.css";
import type { Schemas } from "../../api/client";
import { usePages } from "../../api/resource";
import { clock, day } from "../../format";
import { Button, Empty, Skeleton } from "../../parts/basics";
import { Page, Tabs } from "../../parts/page";
import { ErrorNote } from "../../parts/problem";
import { More } from "../../parts/table";
import { useQuery } from "../../routing";
import { may } from "../../session/session";
import Audit from "./Audit";
import { Filters, filtersOf, queryOf } from "./filters";
import { subjectHref, what, who } from "./words";

export default function Activity() {
  const [query] = useQuery();
  const audit = query.tab === "audit" && may("admin");
  return (
    <Page
      title="Activity"
      tabs={
        may("admin") && (
          <Tabs
            label="Activity"
            current={audit ? "audit" : ""}
            tabs={[
              { id: "", label: "Feed", href: "/activity" },
              { id: "audit", label: "Audit log", href: "/activity?tab=audit" },
            ]}
          />
        )
      }
    >
      {audit ? <Audit /> : <Feed />}
    </Page>
  );
}

function Feed() {
  const [query, change] = useQuery();
  const filters = filtersOf(query);
  const pages = usePages("/api/dashboard/activity", { query: queryOf(filters) });
  const filtered = Object.keys(filters).length > 0;
  const clear = () => change(Object.fromEntries(Object.keys(filters).map((name) => [name, undefined])));
  return (
    <div class="stack">
      <Filters filters={filters} change={change} />
      {pages.loading && <Skeleton lines={8} />}
      {pages.problem && <ErrorNote problem={pages.problem} retry={pages.again} />}
      {days(pages.items).map(([name, entries]) => (
        <section key={name} class="card" aria-label={name}>
          <h2 class="card-title">{name}</h2>
          <ul class="feed">
            {entries.map((entry) => (
              <Line key={entry.id} entry={entry} />
            ))}
          </ul>
        </section>
      ))}
      {!pages.loading && !pages.problem && !pages.items.length && <Nothing filtered={filtered} clear={clear} more={Boolean(pages.more)} />}
      <More of={pages} />
    </div>
  );
}

export function Nothing({ filtered, clear, more }: { filtered: boolean; clear: () => void; more: boolean }) {
  if (more) return <p class="empty muted">Nothing among the latest entries fits. Older ones may: load more.</p>;
  return filtered ? (
    <Empty level={2} title="Nothing fits" action={<Button onClick={clear}>Clear filters</Button>}>
      No entry has all that the filters ask for.
    </Empty>
  ) : (
    <Empty level={2} title="Nothing happened yet">Every change that a person or a program makes is written down here.</Empty>
  );
}

/** Who; what, with a link to the thing; when. */
function Line({ entry }: { entry: Schemas["Activity"] }) {
  const href = subjectHref(entry);
  return (
    <li>
      <span class="break" dir="auto">
        {who(entry)} {href ? <a href={href}>{what(entry)}</a> : what(entry)}
      </span>
      <time class="number muted" dateTime={entry.at}>
        {clock(entry.at)}
      </time>
    </li>
  );
}

function days(items: Schemas["Activity"][]): [string, Schemas["Activity"][]][] {
  const found = new Map<string, Schemas["Activity"][]>();
  for (const entry of items) {
    const name = day(entry.at);
    const of = found.get(name) ?? [];
    of.push(entry);
    found.set(name, of);
  }
  return [...found];
}
