/** The plot of a chart: a box that draws itself when it is seen, and can be read by pointer and by keys. */

import { useEffect, useRef, useState } from "preact/hooks";
import { onColours } from "./colours";
import { dashOf, kindOf, moved, type Plotted, reading, type Series } from "./model";
import { MARKS } from "./marks";
import type { Drawing } from "./uplot";

export function Plot({ chart, summary }: { chart: Plotted; summary: string }) {
  const box = useRef<HTMLDivElement>(null);
  const drawing = useRef<Drawing | undefined>(undefined);
  const latest = useRef(chart);
  latest.current = chart;
  const [step, setStep] = useState<number | null>(null);
  const [said, setSaid] = useState("");
  const [failed, setFailed] = useState(false);
  const steps = chart.at.length;
  const height = chart.height ?? 240;

  useEffect(() => {
    let gone = false;
    const stops: (() => void)[] = [];
    import("./uplot").then(
      ({ draw }) => {
        const at = box.current;
        if (gone || !at) return;
        drawing.current = draw(at, latest.current, setStep);
        const sized = new ResizeObserver(() => drawing.current?.resize(at.clientWidth, latest.current.height ?? 240));
        sized.observe(at);
        stops.push(
          () => sized.disconnect(),
          onColours(() => drawing.current?.update(latest.current)),
          () => drawing.current?.destroy(),
        );
      },
      () => setFailed(true),
    );
    return () => {
      gone = true;
      for (const stop of stops) stop();
      drawing.current = undefined;
    };
  }, []);

  // Pages make the object anew with each drawing of theirs; the canvas is drawn anew when a number of it is another.
  const drawn = JSON.stringify([chart.at, chart.series, chart.kind, chart.rule, chart.unfinished, height, chart.top]);
  const before = useRef(drawn);
  useEffect(() => {
    if (before.current === drawn) return;
    before.current = drawn;
    drawing.current?.update(latest.current);
    setStep(null);
  }, [drawn]);

  const go = (next: number | null) => {
    setStep(next);
    drawing.current?.point(next);
    setSaid(next === null ? "" : reading(chart, next).sentence);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && step !== null) {
      event.stopPropagation();
      return go(null);
    }
    if (event.key === "Enter" && step !== null && chart.onOpen) return chart.onOpen(step);
    const next = moved(event.key, step, steps, getComputedStyle(box.current!).direction === "rtl");
    if (next === undefined) return;
    event.preventDefault();
    go(next);
  };
  if (failed) return <p class="muted">The plot could not be loaded. The table has the same numbers.</p>;
  return (
    <div
      class={`plot${chart.onOpen ? " opens" : ""}`}
      role="application"
      aria-roledescription="chart"
      aria-label={`${chart.name}. ${summary} Arrow keys read its ${steps} steps${chart.onOpen ? ", Enter opens one" : ""}.`}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onBlur={() => go(null)}
      onClick={() => step !== null && chart.onOpen?.(step)}
    >
      <div ref={box} class="canvas" style={{ blockSize: `${height}px` }} />
      {step !== null && steps > step && <Tip chart={chart} step={step} left={drawing.current?.left(step) ?? 0} />}
      <span class="hidden" role="status">
        {said}
      </span>
    </div>
  );
}

/** What the step under the pointer says, beside it. The same words are read out by the status region. */
function Tip({ chart, step, left }: { chart: Plotted; step: number; left: number }) {
  const ref = useRef<HTMLDivElement>(null);
  const read = reading(chart, step);
  useEffect(() => {
    const tip = ref.current!;
    const room = tip.parentElement!.clientWidth;
    const beside = left + 12 + tip.offsetWidth <= room ? left + 12 : left - 12 - tip.offsetWidth;
    tip.style.left = `${Math.max(0, Math.min(beside, room - tip.offsetWidth))}px`;
  });
  return (
    <div ref={ref} class="tip" aria-hidden="true">
      <strong>{read.at}</strong>
      {read.values.map(({ series, text }) => (
        <div key={series.name}>
          <Swatch chart={chart} series={series} />
          <span class="break">{series.name}</span>
          <span class="number">{text}</span>
        </div>
      ))}
    </div>
  );
}

/** A series as it looks in the plot: a piece of its line with its mark, or of its column. */
export function Swatch({ chart, series }: { chart: Pick<Plotted, "kind" | "series">; series: Series }) {
  const colour = series.colour ? `var(--chart-${series.colour})` : "var(--chart-rest)";
  const column = kindOf(chart, series) === "columns";
  const marked = !column && !series.dashed && chart.series.filter((one) => !one.dashed && kindOf(chart, one) === "line").length > 1;
  return (
    <svg class="swatch" width={column ? 12 : 28} height="12" viewBox={column ? "-6 -6 12 12" : "-14 -6 28 12"} aria-hidden="true">
      {column ? <rect x="-5" y="-5" width="10" height="10" rx="2" fill={colour} /> : <path d="M-14 0h28" stroke={colour} stroke-width="2" stroke-dasharray={dashOf(chart, series).join(" ") || undefined} />}
      {marked && <path d={MARKS[series.colour ?? 0]} fill={colour} />}
    </svg>
  );
}
