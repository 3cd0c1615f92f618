/** What has most: bars by rank, the first ten and the rest as "Other". */

import "../styles/charts.css";
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Button } from "../parts/basics";
import { written } from "./Chart";
import { Frame } from "./Frame";
import { type Colour, ranked } from "./model";

export interface Rank {
  key: string;
  name: string;
  /** Null where nothing is known: no bar, and a dash. */
  value: number | null;
  /** What leads to what is behind it. */
  href?: string;
  colour?: Colour;
}

export interface RankedProps {
  name: string;
  summary: string;
  items: Rank[];
  write: (value: number) => string;
  /** What the values are, as the head of their column. */
  unit: string;
  /** False for rates, latencies, ratings: the rest has no sum, and is shown when asked for. */
  additive?: boolean;
  /** Beside a value, the rest's sum as well: its share of the whole. */
  aside?: (value: number) => ComponentChildren;
  most?: number;
}

export function Ranked({ name, summary, items, write, unit, additive = true, aside, most = 10 }: RankedProps) {
  const [all, setAll] = useState(false);
  const { first, rest, sum } = ranked(items, all ? items.length : most);
  const other: Rank[] = additive && rest.length ? [{ key: "\u0000other", name: `Other (${rest.length})`, value: sum }] : [];
  const top = Math.max(...first.map((one) => one.value ?? 0), sum && additive ? sum : 0, Number.MIN_VALUE);
  const everything = ranked(items, items.length).first;
  return (
    <Frame name={name} summary={summary} head={["Name", unit]} rows={everything.map((one) => ({ name: one.name, cells: [written(one.value, write)] }))} csv={() => [["name", unit], ...everything.map((one) => [one.name, one.value])]}>
      <ol class="ranks">
        {[...first, ...other].map((one) => (
          <li key={one.key}>
            <span class="name break" dir="auto">
              {one.href ? <a href={one.href}>{one.name}</a> : one.name}
            </span>
            <span class="number">
              {written(one.value, write)}
              {aside && <span class="aside muted">{one.value !== null && aside(one.value)}</span>}
            </span>
            <span class="track" aria-hidden="true">
              {one.value !== null && one.value > 0 && <span style={{ inlineSize: `${Math.max(0.4, (one.value / top) * 100)}%`, background: `var(--chart-${one.key === "\u0000other" ? "rest" : (one.colour ?? 1)})` }} />}
            </span>
          </li>
        ))}
      </ol>
      {rest.length > 0 && (
        <div>
          <Button kind="quiet" icon="expand" onClick={() => setAll(true)}>
            Show all {items.length}
          </Button>
        </div>
      )}
    </Frame>
  );
}
