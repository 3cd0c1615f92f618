/** What a chart draws, worked out of its numbers without a browser: series, scale, labels, words and rows. */

export type Colour = 1 | 2 | 3 | 4 | 5 | 6;

export interface Series {
  name: string;
  /** One for each of `at`; null where nothing is known, which is not 0. */
  values: (number | null)[];
  /** Which of the six colours; belongs to the entity, so that it keeps it on every page. Without: the grey of "Other". */
  colour?: Colour;
  /** The period before, a projection: a dashed line without marks. */
  dashed?: boolean;
  /** What is to come: where it is known, the others are not unknown, they have not happened. */
  forecast?: boolean;
  /** How its values are drawn; default the chart's. */
  kind?: "columns" | "line";
}

export interface Plotted {
  name: string;
  /** The beginning of each step: seconds since 1970. */
  at: number[];
  series: Series[];
  kind: "columns" | "line";
  /** How a value is written, with its unit. */
  write: (value: number) => string;
  /** How a step is written. */
  writeAt: (at: number) => string;
  /** How a value is written at the axis, where room is short; default `write`. */
  writeAxis?: (value: number) => string;
  /** How a step is written below the axis; default `writeAt`. */
  writeTick?: (at: number) => string;
  /** A horizontal rule, such as the cap. */
  rule?: { value: number; label: string };
  /** The last step is not over: drawn dashed and pale. */
  unfinished?: boolean;
  height?: number;
  /** The axis reaches at least here: what small multiples share. */
  top?: number;
  /** Opens what is behind a step, by pointer or Enter. */
  onOpen?: (step: number) => void;
}

/** One path on the canvas: a series, or the last step of one that is not over. */
export interface Trace {
  series: Series;
  kind: "columns" | "line";
  values: (number | null)[];
  /** Drawn dashed and pale because its step is not over. */
  pale: boolean;
  /** Which of the chart's columns of one step, and of how many. */
  column: [at: number, of: number];
  /** The pattern of a line, in px; empty when solid. */
  dash: number[];
  /** Steps that have a dot: no neighbour is known, so that no line shows them. */
  dots: number[];
  /** A path of the surface's colour below a dashed line, so that it can be seen over columns. */
  casing?: boolean;
}

const DASHED = [4, 4];
/** Mostly ink, so that none is taken for `DASHED`; by colour, so that a line can be told without seeing colours. */
const PATTERNS: Record<Colour, number[]> = { 1: [], 2: [14, 3], 3: [10, 3, 2, 3], 4: [18, 3, 2, 3, 2, 3], 5: [7, 2], 6: [24, 4] };

export const kindOf = (chart: Pick<Plotted, "kind">, series: Series): "columns" | "line" => (series.dashed ? "line" : (series.kind ?? chart.kind));

/** Whether lines need more than a colour to be told apart. */
const several = (chart: Pick<Plotted, "kind" | "series">): boolean => chart.series.filter((one) => !one.dashed && kindOf(chart, one) === "line").length > 1;

export function dashOf(chart: Pick<Plotted, "kind" | "series">, series: Series): number[] {
  if (series.dashed) return DASHED;
  return several(chart) && series.colour ? PATTERNS[series.colour] : [];
}

/** The steps of which neither neighbour is known. */
export const lone = (values: (number | null)[]): number[] => values.flatMap((value, i) => (value != null && values[i - 1] == null && values[i + 1] == null ? [i] : []));

/** Every path of a chart, in the order in which they are drawn: columns, then dashed lines, then the others. */
export function traces(chart: Pick<Plotted, "kind" | "series" | "unfinished" | "at">): Trace[] {
  const columns = chart.series.filter((one) => kindOf(chart, one) === "columns");
  const last = chart.at.length - 1;
  const made = chart.series.flatMap((series): Trace[] => {
    const kind = kindOf(chart, series);
    const base = { series, kind, pale: false, column: [columns.indexOf(series), columns.length] as [number, number], dash: dashOf(chart, series), dots: [] as number[] };
    if (!chart.unfinished || series.dashed || series.values[last] == null) return [{ ...base, values: series.values, dots: kind === "line" ? lone(series.values) : [] }];
    const over = series.values.map((value, i) => (i < last ? value : null));
    // A line's last step is the way there: it needs the point before, too.
    const open = series.values.map((value, i) => (i === last || (kind === "line" && i === last - 1) ? value : null));
    return [
      { ...base, values: over, dots: kind === "line" ? lone(over).filter((i) => i !== last - 1 || series.values[last - 2] == null) : [] },
      { ...base, values: open, pale: true, dash: DASHED, dots: kind === "line" ? lone(open) : [] },
    ];
  });
  const dashed = made.filter((trace) => trace.series.dashed);
  return [
    ...made.filter((trace) => trace.kind === "columns"),
    ...dashed.flatMap((trace) => (columns.length ? [{ ...trace, casing: true, dash: [] }, trace] : [trace])),
    ...made.filter((trace) => trace.kind === "line" && !trace.series.dashed),
  ];
}

/** The ticks of an axis from 0 (or below it, where values are) to over the largest value: 1, 2, 2.5 or 5 times a power of ten apart. */
export function ticks(values: Iterable<number | null>, room = 6, whole = false): number[] {
  let least = 0;
  let most = 0;
  for (const value of values) {
    if (value === null) continue;
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  if (least === 0 && most === 0) most = 1;
  const rough = (most - least) / Math.max(1, room - 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  let step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough * 0.999) ?? 10 * power;
  if (whole) step = Math.max(1, Number.isInteger(step) ? step : Math.ceil(step));
  const from = Math.floor(least / step + 1e-9);
  const to = Math.ceil(most / step - 1e-9);
  // Multiplied, not added up: 0.1 + 0.2 is no tick.
  return Array.from({ length: to - from + 1 }, (_, i) => Number(((from + i) * step).toPrecision(12)));
}

/** Everything that the vertical axis has to show. */
export const shown = (chart: Pick<Plotted, "series" | "rule" | "top">): (number | null)[] => [...chart.series.flatMap((one) => one.values), chart.rule?.value ?? null, chart.top ?? null];

/** Which steps are named below the axis, given how many labels fit: the first, then every so many. */
export function named(steps: number, fit: number): number[] {
  const every = Math.max(1, Math.ceil(steps / Math.max(1, fit)));
  return Array.from({ length: Math.ceil(steps / every) }, (_, i) => i * every);
}

/** A step as it is read out and shown beside the pointer: "Tue 3 Nov: Conversations 41, before 38." */
export function reading(chart: Plotted, step: number): { at: string; values: { series: Series; text: string }[]; sentence: string } {
  const open = chart.unfinished && step === chart.at.length - 1;
  const at = `${chart.writeAt(chart.at[step]!)}${open ? ", not over yet" : ""}`;
  const toCome = chart.series.some((one) => one.forecast && one.values[step] != null);
  const values = chart.series
    .map((series) => ({ series, value: series.values[step] }))
    // A projection has nothing to say about what is over, and what is to come is no missing data.
    .filter(({ series, value }) => value != null || !(series.dashed || toCome))
    .map(({ series, value }) => ({ series, text: value == null ? "no data" : chart.write(value) }));
  return { at, values, sentence: `${at}: ${values.map((one) => (chart.series.length > 1 ? `${one.series.name} ${one.text}` : one.text)).join(", ")}.` };
}

/** Where a key leads from a step; undefined when it is none of the chart's. */
export function moved(key: string, step: number | null, steps: number, rtl = false): number | undefined {
  if (steps === 0) return undefined;
  const last = steps - 1;
  const by = { ArrowRight: rtl ? -1 : 1, ArrowLeft: rtl ? 1 : -1 }[key];
  if (by !== undefined) return step === null ? last : Math.min(last, Math.max(0, step + by));
  return { Home: 0, End: last }[key];
}

/** The first `most` by value, and what the rest is together; null values come last and are no part of a sum. */
export function ranked<T extends { value: number | null }>(items: T[], most = 10): { first: T[]; rest: T[]; sum: number | null } {
  const sorted = [...items].sort((a, b) => (b.value ?? -Infinity) - (a.value ?? -Infinity));
  // A single one behind the last place is better named than called "Other".
  const cut = sorted.length <= most + 1 ? sorted.length : most;
  const rest = sorted.slice(cut);
  const known = rest.filter((one) => one.value !== null);
  return { first: sorted.slice(0, cut), rest, sum: known.length ? known.reduce((sum, one) => sum + one.value!, 0) : null };
}
