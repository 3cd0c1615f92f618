/** How new the figures are: until when they are counted, whether that is late, and since when nothing came. */

import { useEffect, useReducer } from "preact/hooks";
import { minute, when } from "../../format";
import { State } from "../../parts/basics";

const LATE = 10 * 60_000;

export interface Fresh {
  /** The newest event in the figures. */
  as_of: string | null;
  /** Until when all that is known is in them; null for a time that is over. */
  counted_until: string | null;
  /** The server's clock when it answered. */
  answered_at: string;
}

/** `at` is when the answer came, in milliseconds since 1970: how long ago that was is all that this clock is asked for. */
export function Freshness({ of, at, live }: { of: Fresh; at: number | undefined; live: boolean }) {
  const [, tick] = useReducer<number, void>((n) => n + 1, 0);
  useEffect(() => {
    const timer = setInterval(() => tick(), 30_000);
    return () => clearInterval(timer);
  }, []);
  const known = of.counted_until && Date.parse(of.counted_until);
  const now = Date.parse(of.answered_at) + (at === undefined ? 0 : Math.max(0, Date.now() - at));
  // Late counters first: what looks like silence may be turns that are not counted yet.
  if (known && now - known > LATE)
    return (
      <span class="row">
        <State of="delayed" /> <span class="muted">Usage is counted up to {short(known, now)}</span>
      </span>
    );
  if (!of.as_of) return <span class="muted">No usage in this time</span>;
  if (!live) return <span class="muted">As of {when(of.as_of)}</span>;
  const newest = Date.parse(of.as_of);
  return <span class="muted">{now - newest > LATE ? "No usage since" : "As of"} {short(newest, now)}</span>;
}

/** The minute alone on the same day. */
const short = (at: number, now: number): string => (new Date(at).toDateString() === new Date(now).toDateString() ? minute(at) : when(new Date(at).toISOString()));
