/** The audit log: who, what, when, and each field before and after; as a table and as a file. */

import { useState } from "preact/hooks";
import { save } from "../../charts/Chart";

import { raw, type Schemas } from "../../api/client";
import { useAction, usePages } from "../../api/resource";
import { clock, day } from "../../format";
import { Button, Note } from "../../parts/basics";
import { ErrorNote } from "../../parts/problem";
import { type Column, List } from "../../parts/table";
import { to, useQuery } from "../../routing";
import { Nothing } from "./Activity";
import { Filters, filtersOf, queryOf } from "./filters";
import { changes, kindWords, subjectHref, what, who } from "./words";

type Entry = Schemas["Activity"];

const COLUMNS: Column<Entry>[] = [
  {
    id: "when",
    head: "When",
    card: "status",
    cell: (entry) => (
      <time class="audit-when" dateTime={entry.at}>
        {day(entry.at)}
        <br />
        <span class="muted">{clock(entry.at)}</span>
      </time>
    ),
  },
  {
    id: "what",
    head: "Who did what",
    card: "title",
    cell: (entry) => {
      const href = subjectHref(entry);
      return (
        <span dir="auto">
          {who(entry)} {href ? <a href={href}>{what(entry)}</a> : what(entry)}
        </span>
      );
    },
  },
  { id: "kind", head: "Kind", card: "detail", cell: (entry) => <span class="muted">{kindWords(entry.kind)}</span> },
  { id: "changes", head: "Before and after", card: "detail", cell: (entry) => <Changes entry={entry} /> },
];

/** The first fields at once, the rest when they are asked for. */
const AT_ONCE = 3;

function Changes({ entry }: { entry: Entry }) {
  const [all, setAll] = useState(false);
  const found = changes(entry);
  if (!found.length) return <span class="muted">–</span>;
  return (
    <>
      <dl class="changes">
        {(all ? found : found.slice(0, AT_ONCE)).map(({ field, before, after }) => (
          <div key={field}>
            <dt>{field}</dt>
            <dd dir="auto">
              {entry.before && (
                <>
                  <del>
                    <span class="hidden">before </span>
                    {before}
                  </del>
                  <span aria-hidden="true"> → </span>
                </>
              )}
              <ins>
                <span class="hidden">after </span>
                {after}
              </ins>
            </dd>
          </div>
        ))}
      </dl>
      {found.length > AT_ONCE && (
        <button type="button" class="more-fields" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? "Show less" : `${found.length - AT_ONCE} more`}
        </button>
      )}
    </>
  );
}

export default function Audit() {
  const [query, change] = useQuery();
  const filters = filtersOf(query);
  const asked = queryOf(filters);
  const pages = usePages("/api/audit-log", { query: asked });
  const [cut, setCut] = useState(false);
  const file = useAction(async () => {
    const wanted = new URLSearchParams(Object.entries(asked).map(([name, value]) => [name, String(value)]));
    const response = await raw("GET", `/api/audit-log?${wanted}`, { headers: { Accept: "text/csv" } });
    save(`audit-log-${new Date().toISOString().slice(0, 10)}.csv`, "text/csv", await response.blob());
    setCut(response.headers.has("Next-Page-Token"));
  });
  return (
    <div class="stack audit">
      <Filters filters={filters} change={change}>
        <Button icon="download" busy={file.busy} onClick={() => void file.run()}>
          Download CSV
        </Button>
      </Filters>
      <p class="muted">The file has what the filters find, up to the latest 10,000 entries, with more than is loaded here.</p>
      {file.problem && <ErrorNote problem={file.problem} retry={file.run} safe="Nothing was saved." />}
      {cut && (
        <Note tone="warning" title="There are more than 10,000 entries" role="status">
          <p>
            The file has the latest ones. The whole audit log is one of the <a href={to("/exports")}>exports</a>.
          </p>
        </Note>
      )}
      <List
        label="Audit log"
        pages={pages}
        columns={COLUMNS}
        keyOf={(entry) => entry.id}
        empty={<Nothing filtered={Object.keys(filters).length > 0} clear={() => change(Object.fromEntries(Object.keys(filters).map((name) => [name, undefined])))} more={Boolean(pages.more)} />}
      />
    </div>
  );
}
