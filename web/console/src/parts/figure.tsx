/** A figure as a tile shows it: its name and definition, unit, change and a small line; unknown is a dash, never 0. */

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { useResource } from "../api/resource";
import { Icon } from "./icons";

/** So many characters stand in one line of the narrowest of four tiles beside each other. */
const FITS = 9;

export interface TileProps {
  name: string;
  /** The metric's id in `GET /api/analytics/definitions`, for (i). */
  metric?: string;
  value: ComponentChildren;
  aside?: ComponentChildren;
  /** Values of the days before, oldest first; null where nothing is known. Empty keeps its room until they come. */
  line?: (number | null)[];
  href?: string;
}

export function Tile({ name, metric, value, aside, line, href }: TileProps) {
  return (
    <section class="card tile">
      <div class="row between">
        <h2 class="label">{href ? <a href={href}>{name}</a> : name}</h2>
        {metric && <Definition metric={metric} name={name} />}
      </div>
      <div class="figure" data-long={typeof value === "string" && value.length > FITS ? "" : undefined}>
        {value}
      </div>
      {aside && <div class="muted">{aside}</div>}
      {line && <Sparkline values={line} />}
    </section>
  );
}

/** A line without axes; gaps where nothing is known. It repeats what the figure says, so it is hidden from readers. */
function Sparkline({ values }: { values: (number | null)[] }) {
  const known = values.filter((value): value is number => value !== null);
  if (known.length < 2) return <span class="sparkline" />;
  const top = Math.max(...known, Number.MIN_VALUE);
  const x = (i: number) => (i / (values.length - 1)) * 100;
  const y = (value: number) => 27 - (value / top) * 24;
  let path = "";
  let pen = false;
  values.forEach((value, i) => {
    if (value === null) pen = false;
    else {
      path += `${pen ? "L" : "M"}${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = true;
    }
  });
  return (
    <svg class="sparkline" viewBox="0 0 100 30" preserveAspectRatio="none" aria-hidden="true">
      <path d={path} fill="none" stroke="var(--chart-1)" stroke-width="1.5" vector-effect="non-scaling-stroke" />
    </svg>
  );
}

/** (i): the exact definition, as the API computes it. */
export function Definition({ metric, name }: { metric: string; name: string }) {
  return <Definitions name={name} of={[{ metric, name }]} />;
}

/** (i) for figures that are drawn together: the definition of each. */
export function Definitions({ name, of }: { name: string; of: { metric: string; name: string }[] }) {
  const id = useId();
  const definitions = useResource("/api/analytics/definitions");
  const found = of.flatMap((one) => definitions.data?.items.filter((known) => known.name === one.metric).map((known) => ({ name: one.name, definition: known.definition })) ?? []);
  if (!found.length) return null;
  return (
    <>
      <button type="button" class="info" popovertarget={id} id={`${id}b`} aria-label={`What ${name} means`}>
        <Icon name="info" size={16} />
      </button>
      <div
        id={id}
        popover="auto"
        class="popover definition"
        onToggle={(event) => {
          const box = document.getElementById(`${id}b`)!.getBoundingClientRect();
          const pop = event.currentTarget;
          pop.style.insetBlockStart = `${Math.min(box.bottom + 4, innerHeight - pop.offsetHeight - 8)}px`;
          pop.style.left = `${Math.max(8, Math.min(box.left, innerWidth - pop.offsetWidth - 8))}px`;
        }}
      >
        {found.map((one) => (
          <div key={one.name}>
            <strong>{one.name}</strong>
            <p>{one.definition}</p>
          </div>
        ))}
      </div>
    </>
  );
}
