/**
 * A chart as a figure: its name, a sentence that says what it shows, the plot, and the same numbers as a table and CSV.
 *
 * Pages give it numbers and how to write them; colours, axes, keys and the table are its own.
 */

import { useId, useState } from "preact/hooks";
import { Button } from "../parts/basics";

export interface Series {
  name: string;
  /** One for each of `at`; null where nothing is known, which is not 0. */
  values: (number | null)[];
  /** Which of the six colours; belongs to the entity, so that it keeps it on every page. Without: the grey of "Other". */
  colour?: 1 | 2 | 3 | 4 | 5 | 6;
  /** The period before, a projection, a cap: dashed, no points. */
  dashed?: boolean;
  /** How its values are written; default the chart's. */
  kind?: "columns" | "line";
}

export interface ChartProps {
  name: string;
  /** "312 conversations in 30 days, most on Tuesday 3 November (41)." */
  summary: string;
  /** The beginning of each step: seconds since 1970. */
  at: number[];
  series: Series[];
  kind: "columns" | "line";
  /** How a value is written, with its unit. */
  write: (value: number) => string;
  /** How a step is written. */
  writeAt: (at: number) => string;
  /** A horizontal rule, such as the cap. */
  rule?: { value: number; label: string };
  /** The last step is not over: drawn dashed or paler. */
  unfinished?: boolean;
  height?: number;
}

export function Chart(props: ChartProps) {
  const { name, summary } = props;
  const id = useId();
  const [asTable, setAsTable] = useState(false);
  return (
    <figure class="chart" aria-labelledby={id}>
      <figcaption id={id} class="row between">
        <span class="muted">
          <span class="hidden">{name}: </span>
          {summary}
        </span>
        <span class="row">
          <Button kind="quiet" pressed={asTable} onClick={() => setAsTable(!asTable)}>
            Table
          </Button>
          <Button kind="quiet" icon="download" onClick={() => download(props)}>
            CSV
          </Button>
        </span>
      </figcaption>
      {asTable && <Numbers {...props} />}
    </figure>
  );
}

function Numbers({ name, at, series, write, writeAt }: ChartProps) {
  return (
    <div class="table-wrap" style={{ maxBlockSize: "320px", overflowY: "auto" }} tabIndex={0} role="group" aria-label={`${name} as a table`}>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Time</th>
            {series.map((one) => (
              <th key={one.name} scope="col" class="number">
                {one.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {at.map((moment, i) => (
            <tr key={moment}>
              <th scope="row">{writeAt(moment)}</th>
              {series.map((one) => (
                <td key={one.name} class="number">
                  {one.values[i] == null ? "–" : write(one.values[i])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function download({ name, at, series }: ChartProps): void {
  const cell = (text: string) => (/^[=+\-@]|[",\n]/.test(text) ? `"${/^[=+\-@]/.test(text) ? "'" : ""}${text.replace(/"/g, '""')}"` : text);
  const rows = [["time", ...series.map((one) => one.name)].map(cell), ...at.map((moment, i) => [new Date(moment * 1000).toISOString(), ...series.map((one) => String(one.values[i] ?? ""))])];
  save(`${name}.csv`, "text/csv", rows.map((row) => row.join(",")).join("\r\n"));
}

/** Give the person a file that was made in the page. */
export function save(name: string, type: string, contents: BlobPart): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([contents], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
