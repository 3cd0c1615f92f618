/** How new the figures are: until when they are counted, whether that is late, and since when nothing came. */

import { useEffect, useReducer } from "preact/hooks";
import { minute, when } from "../../format";
import { State } from "../../parts/basics";

const LATE = 10 * 60_000;

/** `asOf` is the newest event in the figures, `at` when the server said so, in milliseconds since 1970. */
export function Freshness({ asOf, at, live }: { asOf: string | null; at: number | undefined; live: boolean }) {
  const [, tick] = useReducer<number, void>((n) => n + 1, 0);
  useEffect(() => {
    const timer = setInterval(() => tick(), 30_000);
    return () => clearInterval(timer);
  }, []);
  if (!asOf) return <span class="muted">No usage in this time</span>;
  if (!live) return <span class="muted">As of {when(asOf)}</span>;
  if (at !== undefined && Date.now() - at > LATE)
    return (
      <span class="row">
        <State of="delayed" /> <span class="muted">Figures of {minute(at)}</span>
      </span>
    );
  const newest = new Date(asOf);
  if (Date.now() - newest.getTime() > LATE) return <span class="muted">No usage since {newest.toDateString() === new Date().toDateString() ? minute(asOf) : when(asOf)}</span>;
  return <span class="muted">As of {minute(asOf)}</span>;
}
