/** Figures of a span with what changed against the same part of the span before. */

import type { Schemas } from "../../api/client";
import { Icon } from "../../parts/icons";
import { Tile } from "../../parts/figure";
import type { Cut } from "./cut";
import { behind } from "./behind";
import { delta, METRICS, type Name, text, value } from "./figures";
import { nameBefore } from "./spans";

type Series = Schemas["Series"];

export function Tiles({ names, series, cut }: { names: Name[]; series: Series; cut: Cut }) {
  return (
    <div class="grid">
      {names.map((name) => {
        const href = behind(name, cut);
        return (
          <div class="span-3" key={name}>
            <Tile
              name={METRICS[name].label}
              metric={name}
              value={text(series.total, name)}
              aside={cut.span.compare ? <Change name={name} series={series} cut={cut} /> : undefined}
              line={series.items.map((step) => value(step.figures, name))}
              {...(href ? { href } : {})}
            />
          </div>
        );
      })}
    </div>
  );
}

const used = (figures: Series["total"]): boolean => figures.turns > 0 || figures.errors > 0;

/** "+12.5 % from the 30 days before"; coloured only where one way is better, and said in words, too. */
export function Change({ name, series, cut }: { name: Name; series: Series; cut: Cut }) {
  const found = delta(name, value(series.compared, name), value(series.compared_before, name));
  // Two times nothing is no claim that nothing changed: of a time without any usage nothing is known.
  if (!found || (found.way === "same" && !used(series.compared_before))) return <span>Nothing to compare with</span>;
  const tone = found.good === undefined ? "" : found.good ? " good" : " bad";
  return (
    <span>
      <span class={`delta${tone}`}>
        {found.way !== "same" && <Icon name={found.way} size={16} />}
        {found.text}
        {found.good !== undefined && <span class="hidden">{found.good ? " (better)" : " (worse)"}</span>}
      </span>{" "}
      {found.text === "new" ? "since" : "from"} {nameBefore(cut.span)}
    </span>
  );
}
