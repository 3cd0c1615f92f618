/** The frame of everything that is drawn of numbers: a sentence above, the numbers as a table and as CSV. */

import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { Button } from "../parts/basics";
import { type Cell, csv as joined, fileName, save } from "./csv";

export interface FrameProps {
  name: string;
  summary: ComponentChildren;
  head: string[];
  rows: { name: ComponentChildren; cells: string[] }[];
  /** Head and rows with whole numbers, for other programs. */
  csv: () => Cell[][];
  children: ComponentChildren;
}

export function Frame({ name, summary, head, rows, csv, children }: FrameProps) {
  const id = useId();
  const [asTable, setAsTable] = useState(false);
  return (
    <figure class="chart" aria-labelledby={id}>
      <figcaption>
        <span id={id} class="muted break">
          <span class="hidden">{name}: </span>
          {summary}
        </span>
        <span class="ways">
          <Button kind="quiet" pressed={asTable} onClick={() => setAsTable(!asTable)}>
            Table
          </Button>
          <Button kind="quiet" icon="download" onClick={() => save(fileName(name, "csv"), "text/csv;charset=utf-8", joined(csv()))}>
            CSV
          </Button>
        </span>
      </figcaption>
      {children}
      {asTable && (
        <div class="table-wrap numbers" tabIndex={0} role="group" aria-label={`${name} as a table`}>
          <table class="table">
            <thead>
              <tr>
                {head.map((one, i) => (
                  <th key={i} scope="col" class={i ? "number" : undefined}>
                    {one}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row, i) => (
                <tr key={i}>
                  <th scope="row">{row.name}</th>
                  {row.cells.map((one, j) => (
                    <td key={j} class="number">
                      {one}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </figure>
  );
}
