/** Lists of what people work on: what waits first, the longest wait on top, then what is taken; done is kept apart. */

import { useCallback } from "preact/hooks";
import { type Pages, usePolling } from "../../api/resource";
import { Skeleton } from "../../parts/basics";
import { Segments } from "../../parts/fields";
import { ErrorNote } from "../../parts/problem";
import { More } from "../../parts/table";
import { useQuery } from "../../routing";
import { type Handling, Overtaken } from "./handling";

/** The choice between open and done, and a list for each state of it; `beside` stands in the choice's row. */
export function States({ label, beside, group }: { label: string; beside?: preact.ComponentChildren; group: (state: Handling) => preact.ComponentChildren }) {
  const [query, change] = useQuery();
  const done = query.state === "done";
  return (
    <div class="stack loose">
      <div class="row">
        <Segments
          label={label}
          value={done ? "done" : ""}
          onChange={(state) => change({ state: state || undefined })}
          options={[
            { value: "", label: "Open" },
            { value: "done", label: "Done" },
          ]}
        />
        {beside}
      </div>
      <Overtaken />
      {done ? (
        group("done")
      ) : (
        <>
          {group("waiting")}
          {group("taken")}
        </>
      )}
    </div>
  );
}

const TITLES: Record<Handling, string> = { waiting: "Waiting", taken: "Taken", done: "Done" };

/** The list of one state; `age` is the time since when something waits. */
export function StateGroup<T>({
  state,
  pages,
  age,
  empty,
  item,
}: {
  state: Handling;
  pages: Pages<T>;
  age: (one: T) => string;
  empty: preact.ComponentChildren;
  item: (one: T) => preact.ComponentChildren;
}) {
  // While only the first page is shown; a longer list must not shrink under a reader.
  const refresh = useCallback(async () => void (pages.items.length <= 50 && (await pages.reload())), [pages.items.length <= 50]);
  usePolling(state === "done" ? undefined : 30_000, refresh);
  const items = state === "done" ? pages.items : [...pages.items].sort((a, b) => age(a).localeCompare(age(b)));
  return (
    <section class="stack" aria-label={TITLES[state]}>
      <h2 class="row">
        {TITLES[state]}
        {!pages.loading && items.length > 0 && <span class="muted number">{pages.more ? `${items.length} and more` : items.length}</span>}
      </h2>
      {pages.loading && <Skeleton lines={3} />}
      {pages.problem && <ErrorNote problem={pages.problem} retry={pages.reload} />}
      {!pages.loading && !pages.problem && !items.length && empty}
      {items.length > 0 && <ul class="stack">{items.map(item)}</ul>}
      <More of={pages} shown={items.length} />
    </section>
  );
}
