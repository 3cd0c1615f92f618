/** One declaration of columns: a table from 768 px, cards below; sorting, selection, "Load more". */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Pages } from "../api/resource";
import { Button, Skeleton } from "./basics";
import { Icon } from "./icons";
import { ErrorNote } from "./problem";
import { Part, parts, partOf, useNear, WHOLE } from "./windowed";

export interface Column<T> {
  /** Names the column, also for `sort`. */
  id: string;
  head: ComponentChildren;
  cell: (item: T) => ComponentChildren;
  /** What it is on a card: the title, the state beside it, a figure or a detail below. */
  card: "title" | "status" | "figure" | "detail";
  /** Right-aligned figures. */
  number?: boolean;
  sortable?: boolean;
}

export interface Sorting {
  /** "name" or "-name". */
  by: string;
  change: (by: string) => void;
}

export interface Selection {
  chosen: ReadonlySet<string>;
  change: (chosen: ReadonlySet<string>) => void;
}

export interface TableProps<T> {
  label: string;
  columns: Column<T>[];
  items: T[];
  keyOf: (item: T) => string;
  sorting?: Sorting;
  selection?: Selection;
  /** Which row is open beside the list. */
  current?: string | undefined;
  /** The name for a row's checkbox: "Select Linden Dental". */
  nameOf?: (item: T) => string;
}

const wide = matchMedia("(min-width: 768px)");

/** Whether tables fit: below 768 px the same columns make cards. */
export function useWide(): boolean {
  const [matches, setMatches] = useState(wide.matches);
  useEffect(() => {
    const changed = () => setMatches(wide.matches);
    wide.addEventListener("change", changed);
    return () => wide.removeEventListener("change", changed);
  }, []);
  return matches;
}

export function Table<T>(props: TableProps<T>) {
  return useWide() ? <WideTable {...props} /> : <Cards {...props} />;
}

const WEIGHT: Column<never>["card"][] = ["title", "status", "figure", "detail"];

/** As on a card: where a table is cut off, what is out of sight is a detail. */
const byWeight = <T,>(columns: Column<T>[]): Column<T>[] => WEIGHT.flatMap((kind) => columns.filter((column) => column.card === kind));

function WideTable<T>({ label, columns, items, keyOf, sorting, selection, current, nameOf }: TableProps<T>) {
  const all = items.length > 0 && items.every((item) => selection?.chosen.has(keyOf(item)));
  const some = items.some((item) => selection?.chosen.has(keyOf(item)));
  const [frame, scrolls] = useScrolls();
  const inOrder = scrolls ? byWeight(columns) : columns;
  return (
    <div ref={frame} class="table-wrap" {...(scrolls ? { tabIndex: 0, role: "group", "aria-label": label } : {})}>
      <table class="table" aria-rowcount={items.length > WHOLE ? items.length + 1 : undefined}>
        <caption class="hidden">{label}</caption>
        <thead>
          <tr>
            {selection && (
              <th scope="col" style={{ inlineSize: "42px" }}>
                <Tick
                  label="Select all that are shown"
                  checked={all}
                  mixed={some && !all}
                  onChange={(on) => selection.change(on ? new Set([...selection.chosen, ...items.map(keyOf)]) : new Set([...selection.chosen].filter((id) => !items.some((item) => keyOf(item) === id))))}
                />
              </th>
            )}
            {inOrder.map((column) => (
              <Head key={column.id} column={column} sorting={sorting} />
            ))}
          </tr>
        </thead>
        {parts(items.length).map((begin) => {
          const shown = partOf(items, begin);
          return (
            <Chunk key={begin} columns={columns.length + (selection ? 1 : 0)} windowed={items.length > WHOLE} rows={shown.length} first={begin === 0}>
              {() =>
                shown.map((item, i) => {
                  const id = keyOf(item);
                  return (
                    <tr key={id} aria-selected={current === id || selection?.chosen.has(id) ? "true" : undefined} aria-rowindex={items.length > WHOLE ? begin + i + 2 : undefined}>
                      {selection && (
                        <td>
                          <Tick label={`Select ${nameOf?.(item) ?? id}`} checked={selection.chosen.has(id)} onChange={(on) => selection.change(toggled(selection.chosen, id, on))} />
                        </td>
                      )}
                      {inOrder.map((column) => (
                        <td key={column.id} class={column.number ? "number" : undefined}>
                          {column.card === "title" ? <div class="title">{column.cell(item)}</div> : column.cell(item)}
                        </td>
                      ))}
                    </tr>
                  );
                })
              }
            </Chunk>
          );
        })}
      </table>
    </div>
  );
}

const ROW = 45;

/** Some rows of a table, else an empty row as high as they were: the table stays as long as it is. */
function Chunk({ columns, windowed, rows, first, children }: { columns: number; windowed: boolean; rows: number; first: boolean; children: () => ComponentChildren }) {
  const ref = useRef<HTMLTableSectionElement>(null);
  const { near, height } = useNear(ref, { windowed, first, rows, row: ROW });
  return (
    <tbody ref={ref} data-spacer={!near || undefined}>
      {near ? (
        children()
      ) : (
        <tr aria-hidden="true">
          <td colSpan={columns} style={{ blockSize: `${height}px` }} />
        </tr>
      )}
    </tbody>
  );
}

/** A frame that scrolls sideways when what is in it is wider, and whether it does: then, and only then, keys reach it. */
function useScrolls() {
  const ref = useRef<HTMLDivElement>(null);
  const [scrolls, setScrolls] = useState(false);
  useEffect(() => {
    const box = ref.current!;
    const measure = () => setScrolls(box.scrollWidth > box.clientWidth);
    const watcher = new ResizeObserver(measure);
    watcher.observe(box);
    if (box.firstElementChild) watcher.observe(box.firstElementChild);
    return () => watcher.disconnect();
  }, []);
  return [ref, scrolls] as const;
}

const toggled = (chosen: ReadonlySet<string>, id: string, on: boolean): ReadonlySet<string> => {
  const next = new Set(chosen);
  if (on) next.add(id);
  else next.delete(id);
  return next;
};

function Head<T>({ column, sorting }: { column: Column<T>; sorting: Sorting | undefined }) {
  const direction = sorting?.by === column.id ? "ascending" : sorting?.by === `-${column.id}` ? "descending" : undefined;
  return (
    <th scope="col" class={column.number ? "number" : undefined} aria-sort={direction}>
      {column.sortable && sorting ? (
        <button type="button" onClick={() => sorting.change(direction === "ascending" || (!direction && column.number) ? `-${column.id}` : column.id)}>
          {column.head}
          {direction && <Icon name={direction === "ascending" ? "up" : "down"} size={12} />}
        </button>
      ) : (
        column.head
      )}
    </th>
  );
}

function Tick({ label, checked, mixed = false, onChange }: { label: string; checked: boolean; mixed?: boolean; onChange: (on: boolean) => void }) {
  const ref = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (ref.current) ref.current.indeterminate = mixed;
  }, [mixed]);
  return <input ref={ref} type="checkbox" aria-label={label} checked={checked} onChange={(event) => onChange(event.currentTarget.checked)} />;
}

/** Pixels of a card, about. */
const CARD = 220;

/** As a list of roles: the parts of a long one stand between it and its items, where `ul` may hold nothing but `li`. */
function Cards<T>({ label, columns, items, keyOf, selection, nameOf }: TableProps<T>) {
  const as = (kind: Column<T>["card"]) => columns.filter((column) => column.card === kind);
  const windowed = items.length > WHOLE;
  return (
    <div class={windowed ? "cards" : "cards whole"} role="list" aria-label={label}>
      {parts(items.length).map((begin) => {
        const shown = partOf(items, begin);
        return (
          <Part key={begin} windowed={windowed} rows={shown.length} row={CARD} first={begin === 0}>
            {() =>
              shown.map((item, i) => {
                const id = keyOf(item);
                return (
                  <div key={id} class="card-item" role="listitem" {...(windowed ? { "aria-setsize": items.length, "aria-posinset": begin + i + 1 } : {})}>
                    <div class="row title">
                      {selection && <Tick label={`Select ${nameOf?.(item) ?? id}`} checked={selection.chosen.has(id)} onChange={(on) => selection.change(toggled(selection.chosen, id, on))} />}
                      <span class="grow break">{as("title").map((column) => column.cell(item))}</span>
                    </div>
                    <div>{as("status").map((column) => column.cell(item))}</div>
                    <dl>
                      {[...as("figure"), ...as("detail")].map((column) => (
                        <div key={column.id} style={{ display: "contents" }}>
                          <dt>{column.head}</dt>
                          <dd>{column.cell(item)}</dd>
                        </div>
                      ))}
                    </dl>
                  </div>
                );
              })
            }
          </Part>
        );
      })}
    </div>
  );
}

/** "Load more" below a list, with how many there are by now; nothing when there is no more. */
export function More<T>({ of: pages, shown = pages.items.length }: { of: Pages<T>; shown?: number }) {
  if (!pages.more) return null;
  return (
    <div class="row">
      <Button busy={pages.busy} onClick={() => void pages.more?.()}>
        Load more
      </Button>
      <span class="muted">{shown} shown</span>
    </div>
  );
}

/** A list with all its states: waiting, problem, empty, rows, more. */
export function List<T>({ pages, empty, ...table }: Omit<TableProps<T>, "items"> & { pages: Pages<T>; empty: ComponentChildren }) {
  if (pages.loading) return <Skeleton lines={8} />;
  return (
    <div class="stack">
      {pages.problem && <ErrorNote problem={pages.problem} retry={pages.again} />}
      {pages.items.length > 0 ? <Table {...table} items={pages.items} /> : !pages.problem && empty}
      <More of={pages} />
    </div>
  );
}
