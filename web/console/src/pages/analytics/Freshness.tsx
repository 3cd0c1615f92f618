/** How new the figures are: until when they are counted, whether that is late, and since when nothing came. */

import { useEffect, useReducer } from "preact/hooks";
import { minute, when } from "../../format";
import { State } from "../../parts/basics";

const LATE = 10 * 60_000;

export interface Fresh {
  /** The newest event in the figures. */
  as_of: string | null;
  /** Since when turns should be counted and are not, as the server sees it by its own clock; null when nothing is late. */
  late_since: string | null;
}

export function Freshness({ of, live }: { of: Fresh; live: boolean }) {
  const [, tick] = useReducer<number, void>((n) => n + 1, 0);
  useEffect(() => {
    const timer = setInterval(() => tick(), 30_000);
    return () => clearInterval(timer);
  }, []);
  const now = Date.now();
  // Late counters first: what looks like silence may be turns that are not counted yet.
  if (of.late_since)
    return (
      <span class="row">
        <State of="delayed" /> <span class="muted">Usage is counted up to {short(Date.parse(of.late_since), now)}</span>
      </span>
    );
  if (!of.as_of) return <span class="muted">No usage in this time</span>;
  if (!live) return <span class="muted">As of {when(of.as_of)}</span>;
  const newest = Date.parse(of.as_of);
  return <span class="muted">{now - newest > LATE ? "No usage since" : "As of"} {short(newest, now)}</span>;
}

/** The minute alone on the same day. */
const short = (at: number, now: number): string => (new Date(at).toDateString() === new Date(now).toDateString() ? minute(at) : when(new Date(at).toISOString()));
