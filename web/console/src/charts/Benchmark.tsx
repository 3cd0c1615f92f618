/** The own figure as a dot on the band of what is usual. */

import "../styles/charts.css";

export interface BenchmarkProps {
  name: string;
  /** Null where nothing is known: no dot. */
  own: number | null;
  /** From where to where it is usual. */
  band: [from: number, to: number];
  write: (value: number) => string;
  /** "Lower than is typical of dental practices." */
  summary: string;
}

export function Benchmark({ name, own, band: [from, to], write, summary }: BenchmarkProps) {
  // The band stands in the middle, so that both sides have room; the scale still begins at 0.
  const top = Math.max(to * 1.5, (own ?? 0) * 1.1, Number.MIN_VALUE);
  const at = (value: number) => `${(Math.max(0, Math.min(top, value)) / top) * 100}%`;
  return (
    <div class="benchmark">
      <div class="row between">
        <span>{name}</span>
        <strong class="number">{own === null ? "–" : write(own)}</strong>
      </div>
      <div class="scale" aria-hidden="true">
        <span class="band" style={{ insetInlineStart: at(from), inlineSize: `${((Math.min(to, top) - from) / top) * 100}%` }} />
        {own !== null && <span class="own" style={{ insetInlineStart: at(own) }} />}
      </div>
      <p class="muted">{summary}</p>
    </div>
  );
}
