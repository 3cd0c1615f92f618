/** Lists of what people work on: what waits first, the longest wait on top, then what is taken; done is kept apart. */

import { createContext } from "preact";
import { useCallback, useContext, useLayoutEffect, useRef } from "preact/hooks";
import { type Pages, usePolling } from "../../api/resource";
import { Skeleton } from "../../parts/basics";
import { Segments } from "../../parts/fields";
import { ErrorNote } from "../../parts/problem";
import { More } from "../../parts/table";
import { useQuery } from "../../routing";
import { type Handling, Overtaken } from "./handling";

interface List {
  reload: () => Promise<void>;
  /** More than the first page is shown. */
  long: boolean;
}

/** The lists on the page. */
const Lists = createContext(new Map<Handling, List>());

/** Reads the lists again, one after the other: where rows go before where they come from, so that a row is never in none. */
async function readAgain(lists: Map<Handling, List>, wanted: (list: List) => boolean): Promise<void> {
  for (const state of ["done", "taken", "waiting"] as const) {
    const list = lists.get(state);
    if (list && wanted(list)) await list.reload();
  }
}

/** Reads all lists of the page again, after a colleague was first. */
export function useReread(): () => Promise<void> {
  const lists = useContext(Lists);
  return () => readAgain(lists, () => true);
}

/** The choice between open and done, and a list for each state of it; `beside` stands in the choice's row. */
export function States({ label, beside, group }: { label: string; beside?: preact.ComponentChildren; group: (state: Handling) => preact.ComponentChildren }) {
  const [query, change] = useQuery();
  const done = query.state === "done";
  const lists = useRef(new Map<Handling, List>()).current;
  // While only the first page is shown; a longer list must not shrink under a reader.
  usePolling(done ? undefined : 30_000, useCallback(() => readAgain(lists, ({ long }) => !long), []));
  return (
    <Lists.Provider value={lists}>
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
    </Lists.Provider>
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
  const lists = useContext(Lists);
  useLayoutEffect(() => {
    lists.set(state, { reload: pages.reload, long: pages.items.length > 50 });
    return () => void lists.delete(state);
  });
  const items = state === "done" ? pages.items : [...pages.items].sort((a, b) => age(a).localeCompare(age(b)));
  return (
    <section class="stack" aria-label={TITLES[state]}>
      <h2 class="row">
        {TITLES[state]}
        {!pages.loading && items.length > 0 && <span class="muted number">{pages.more ? `${items.length} and more` : items.length}</span>}
      </h2>
      {pages.loading && <Skeleton lines={3} />}
      {pages.problem && <ErrorNote problem={pages.problem} retry={pages.again} />}
      {!pages.loading && !pages.problem && !items.length && empty}
      {items.length > 0 && <ul class="stack">{items.map(item)}</ul>}
      <More of={pages} shown={items.length} />
    </section>
  );
}
