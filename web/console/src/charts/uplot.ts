/** Draws a chart on a canvas with uPlot: fetched with the first chart that a person sees. */

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { type Colours, coloursIn } from "./colours";
import { MARKS } from "./marks";
import { named, type Plotted, shown, ticks, type Trace, traces } from "./model";

export interface Drawing {
  /** Puts the cursor on a step, or away. */
  point: (step: number | null) => void;
  /** Where a step stands in the box, in px from its left. */
  left: (step: number) => number;
  /** Takes new numbers of the same kind, or new colours. */
  update: (chart: Plotted) => void;
  resize: (width: number, height: number) => void;
  destroy: () => void;
}

const FONT = 12;

/** Draws into `box`; `pointed` hears on which step the pointer is. */
export function draw(box: HTMLElement, first: Plotted, pointed: (step: number | null) => void): Drawing {
  let chart = first;
  let plot = make();

  function make(): uPlot {
    const rtl = getComputedStyle(box).direction === "rtl";
    const colours = coloursIn(box);
    const paths = traces(chart);
    const font = `${FONT}px ${getComputedStyle(box).fontFamily}`;
    const values = shown(chart);
    const split = ticks(values, (chart.height ?? 240) < 160 ? 3 : 6, values.every((value) => value === null || Number.isInteger(value)));
    const writeAxis = chart.writeAxis ?? chart.write;
    const writeTick = chart.writeTick ?? chart.writeAt;
    const measure = (texts: string[]): number => {
      const pen = document.createElement("canvas").getContext("2d")!;
      pen.font = font;
      return Math.ceil(Math.max(0, ...texts.map((text) => pen.measureText(text).width)));
    };
    const labels = split.map(writeAxis);
    const widest = measure(chart.at.map(writeTick));
    const room = measure(labels) + 12;
    // The last step's label may be wider than its step: it is not cut.
    const beyond = Math.max(12, Math.ceil((widest - (box.clientWidth - room) / Math.max(1, chart.at.length)) / 2));
    const axis = { stroke: colours.muted, font, ticks: { show: false } };
    const made = new uPlot(
      {
        width: Math.max(120, box.clientWidth),
        height: chart.height ?? 240,
        padding: [12, rtl ? room + 4 : beyond, 0, rtl ? beyond : 4],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false, setScale: false }, points: { show: false } },
        scales: {
          // Steps stand side by side: a day of 23 hours or a short month is one step as any other.
          x: { time: false, range: [-0.5, chart.at.length - 0.5], dir: rtl ? -1 : 1 },
          y: { range: [split[0]!, split.at(-1)!] },
        },
        axes: [
          {
            ...axis,
            grid: { show: false },
            border: { show: true, stroke: colours.muted, width: 1 },
            size: FONT + 12,
            gap: 6,
            splits: (self) => named(chart.at.length, self.bbox.width / uPlot.pxRatio / (widest + 16)),
            values: (_self, steps) => steps.map((step) => (chart.at[step] === undefined ? "" : writeTick(chart.at[step]))),
          },
          { ...axis, side: rtl ? 1 : 3, size: room, gap: 6, grid: { stroke: colours.grid, width: 1 }, splits: () => split, values: () => labels },
        ],
        series: [{}, ...paths.map((trace) => seriesOf(trace, colours))],
        hooks: {
          draw: [(self) => rule(self, chart, colours, font, rtl), (self) => ends(self, paths, colours)],
          setCursor: [(self) => pointed(self.cursor.left !== undefined && self.cursor.left >= 0 ? (self.cursor.idx ?? null) : null)],
        },
      },
      [chart.at.map((_, i) => i), ...paths.map((trace) => trace.values)],
      box,
    );
    // The numbers are read from the table and the status region; a canvas has nothing to say.
    made.root.setAttribute("aria-hidden", "true");
    return made;
  }

  const again = () => {
    plot.destroy();
    plot = make();
  };
  return {
    point: (step) => plot.setCursor(step === null ? { left: -10, top: -10 } : { left: plot.valToPos(step, "x"), top: 0 }, false),
    left: (step) => plot.over.offsetLeft + plot.valToPos(step, "x"),
    update: (next) => {
      chart = next;
      again();
    },
    resize: (width, height) => plot.setSize({ width: Math.max(120, width), height }),
    destroy: () => plot.destroy(),
  };
}

function seriesOf(trace: Trace, colours: Colours): uPlot.Series {
  const stroke = trace.casing ? colours.surface : colours.series(trace.series.colour);
  const line = trace.kind === "line";
  return {
    stroke,
    width: trace.casing ? 5 : line ? 2 : trace.pale ? 1.5 : 0,
    ...(line || !trace.pale ? {} : { fill: colours.surface }),
    ...(line ? {} : trace.pale ? {} : { fill: stroke }),
    dash: trace.dash,
    spanGaps: false,
    paths: line ? uPlot.paths.linear!() : columns(trace),
    points: line ? { show: trace.dots.length > 0, filter: () => trace.dots, size: 6, width: 2, stroke, fill: stroke } : { show: false },
  };
}

/** Columns side by side within their step; 0 is no column, and what is more than 0 can be seen. */
function columns({ column: [at, of], pale }: Trace): uPlot.Series.PathBuilder {
  return (self, index, from, to) => {
    const path = new Path2D();
    const values = self.data[index]!;
    const step = self.bbox.width / Math.max(1, self.data[0].length);
    const all = Math.min(step * 0.72, 44 * uPlot.pxRatio);
    const gap = of > 1 && all / of > 4 ? uPlot.pxRatio : 0;
    const width = Math.max(1, all / of - gap);
    const zero = self.valToPos(0, "y", true);
    for (let i = from; i <= to; i++) {
      const value = values[i];
      if (value === null || value === undefined || value === 0) continue;
      const left = self.valToPos(i, "x", true) - all / 2 + at * (all / of) + gap / 2;
      const top = self.valToPos(value, "y", true);
      const height = Math.max(uPlot.pxRatio, Math.abs(zero - top));
      const inset = pale ? 0.75 * uPlot.pxRatio : 0;
      const radius = Math.min(2 * uPlot.pxRatio, width / 2);
      path.roundRect(left + inset, value > 0 ? zero - height : zero, Math.max(1, width - 2 * inset), height, value > 0 ? [radius, radius, 0, 0] : [0, 0, radius, radius]);
    }
    return { stroke: pale ? path : null, fill: path, flags: 0 };
  };
}

/** The rule across, its label above its end. */
function rule(self: uPlot, chart: Plotted, colours: Colours, font: string, rtl: boolean): void {
  if (!chart.rule) return;
  const { ctx, bbox } = self;
  const scale = uPlot.pxRatio;
  const y = Math.round(self.valToPos(chart.rule.value, "y", true));
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colours.text;
  ctx.lineWidth = 1.5 * scale;
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.font = font.replace(`${FONT}px`, `${FONT * scale}px`);
  ctx.textAlign = rtl ? "right" : "left";
  const x = rtl ? bbox.left + bbox.width - 4 * scale : bbox.left + 4 * scale;
  const above = y - bbox.top > (FONT + 8) * scale;
  ctx.textBaseline = above ? "bottom" : "top";
  // Columns and lines may lie behind it.
  ctx.lineWidth = 4 * scale;
  ctx.strokeStyle = colours.surface;
  ctx.lineJoin = "round";
  ctx.strokeText(chart.rule.label, x, y + (above ? -4 : 4) * scale);
  ctx.fillText(chart.rule.label, x, y + (above ? -4 : 4) * scale);
  ctx.restore();
}

/** A mark at the last known point of each line, where there are several to tell apart. */
function ends(self: uPlot, paths: Trace[], colours: Colours): void {
  const lines = new Map(paths.filter((trace) => trace.kind === "line" && !trace.series.dashed).map((trace) => [trace.series, trace]));
  if (lines.size < 2) return;
  const scale = uPlot.pxRatio;
  for (const series of lines.keys()) {
    const last = series.values.findLastIndex((value) => value !== null);
    const value = series.values[last];
    if (value === undefined || value === null) continue;
    const { ctx } = self;
    ctx.save();
    ctx.translate(self.valToPos(last, "x", true), self.valToPos(value, "y", true));
    ctx.scale(scale, scale);
    const mark = new Path2D(MARKS[series.colour ?? 0]);
    ctx.strokeStyle = colours.surface;
    ctx.lineWidth = 2;
    ctx.stroke(mark);
    ctx.fillStyle = colours.series(series.colour);
    ctx.fill(mark);
    ctx.restore();
  }
}
