/**
 * A chart as a figure: its name, a sentence that says what it shows, the plot, and the same numbers as a table and CSV.
 *
 * Pages give it numbers and how to write them; colours, axes, keys and the table are its own.
 */

import "../styles/charts.css";
import { Frame } from "./Frame";
import type { Plotted } from "./model";
import { Plot, Swatch } from "./Plot";

export { save } from "./csv";
export type { Colour, Series } from "./model";

export interface ChartProps extends Plotted {
  /** "312 conversations in 30 days, most on Tuesday 3 November (41)." */
  summary: string;
}

export function Chart({ summary, ...chart }: ChartProps) {
  return (
    <Frame
      name={chart.name}
      summary={summary}
      head={["Time", ...chart.series.map((one) => one.name)]}
      rows={chart.at.map((at, i) => ({ name: chart.writeAt(at), cells: chart.series.map((one) => written(one.values[i], chart.write)) }))}
      csv={() => [["time", ...chart.series.map((one) => one.name)], ...chart.at.map((at, i) => [new Date(at * 1000).toISOString(), ...chart.series.map((one) => one.values[i])])]}
    >
      {(chart.series.length > 1 || chart.series[0]?.dashed) && <Legend chart={chart} />}
      {chart.at.length > 0 ? <Plot chart={chart} summary={summary} /> : <p class="muted">No data in this time.</p>}
    </Frame>
  );
}

export const written = (value: number | null | undefined, write: (value: number) => string): string => (value == null ? "–" : write(value));

function Legend({ chart }: { chart: Plotted }) {
  return (
    <ul class="legend">
      {chart.series.map((series) => (
        <li key={series.name}>
          <Swatch chart={chart} series={series} />
          <span class="break" dir="auto">
            {series.name}
          </span>
        </li>
      ))}
    </ul>
  );
}
