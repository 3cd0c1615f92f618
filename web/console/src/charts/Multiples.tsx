/** The same figure of several over time: small plots side by side on one scale, instead of a stack. */

import "../styles/charts.css";
import { written } from "./Chart";
import { Frame } from "./Frame";
import { type Plotted, ranked, type Series, shown } from "./model";
import { Plot } from "./Plot";

export interface MultiplesProps extends Omit<Plotted, "series" | "rule" | "top"> {
  summary: string;
  /** One small plot each; at most six are drawn, and the rest together as "Other". */
  series: Series[];
  /** False for rates and latencies, which have no sum: the rest is left to the table. */
  additive?: boolean;
}

export function Multiples({ summary, series, additive = true, ...chart }: MultiplesProps) {
  const sum = (values: (number | null)[]): number | null => values.reduce((all, value) => (value === null ? all : (all ?? 0) + value), null);
  const { first, rest } = ranked(series.map((one) => ({ one, value: sum(one.values) })), 6);
  const other: Series[] = additive && rest.length ? [{ name: `Other (${rest.length})`, values: chart.at.map((_, i) => sum(rest.map(({ one }) => one.values[i] ?? null))) }] : [];
  const panels = [...first.slice(0, additive ? undefined : 6).map(({ one }) => one), ...other];
  const top = Math.max(0, ...shown({ series: panels }).filter((value): value is number => value !== null));
  return (
    <Frame
      name={chart.name}
      summary={summary}
      head={["Time", ...series.map((one) => one.name)]}
      rows={chart.at.map((at, i) => ({ name: chart.writeAt(at), cells: series.map((one) => written(one.values[i], chart.write)) }))}
      csv={() => [["time", ...series.map((one) => one.name)], ...chart.at.map((at, i) => [new Date(at * 1000).toISOString(), ...series.map((one) => one.values[i])])]}
    >
      <div class="multiples">
        {panels.map((one) => (
          <section key={one.name}>
            <h3 class="label break" dir="auto">
              {one.name}
            </h3>
            <Plot chart={{ ...chart, name: `${chart.name}, ${one.name}`, series: [one], top, height: 120 }} summary="" />
          </section>
        ))}
      </div>
    </Frame>
  );
}
