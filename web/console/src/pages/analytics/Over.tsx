/** Figures over time: columns or lines with the span before behind them, and what they say as a sentence. */

import type { Schemas } from "../../api/client";
import { Chart, type Colour, type Series as Line } from "../../charts/Chart";
import { Card } from "../../parts/basics";
import { Definitions } from "../../parts/figure";
import { go } from "../../routing";
import { workspace } from "../../session/session";
import type { Cut } from "./cut";
import { additive, axisWriter, kindOf, METRICS, type Name, text, value, writer } from "./figures";
import { nameBefore } from "./spans";
import { behind } from "./behind";
import type { Drawn } from "./tabs";
import { dayOf, secondsOf, writers } from "./times";

type Series = Schemas["Series"];

export function Over({ drawn, series, cut }: { drawn: Drawn; series: Series; cut: Cut }) {
  const currency = workspace.value?.currency ?? series.total.charge.currency;
  const [main] = drawn.names as [Name];
  const write = writers(series.granularity, cut.zone);
  const compared = cut.span.compare && drawn.names.length === 1;
  const lines: Line[] = drawn.names.map((name, i) => ({ name: METRICS[name].label, colour: (i + 1) as Colour, values: series.items.map((step) => value(step.figures, name)) }));
  if (compared) {
    const before = series.items.map((_, i) => (series.before[i] ? value(series.before[i].figures, main) : null));
    if (before.some((one) => one !== null && one !== 0)) lines.push({ name: capital(nameBefore(cut.span)), dashed: true, values: before });
  }
  const open = behind(main, cut);
  return (
    <Card
      title={METRICS[main].kind === "money" ? `${drawn.title}, ${currency}` : drawn.title}
      span={drawn.wide ? 12 : 6}
      aside={<Definitions name={drawn.names.length > 1 ? drawn.title : METRICS[main].label} of={drawn.names.map((name) => ({ metric: name, name: METRICS[name].label }))} />}
    >
      <Chart
        name={drawn.title}
        summary={summary(drawn, series, write.at, currency)}
        at={series.items.map((step) => secondsOf(step.start))}
        series={lines}
        kind={kindOf(main)}
        write={writer(main, currency)}
        writeAxis={axisWriter(main)}
        writeAt={write.at}
        writeTick={write.tick}
        {...(METRICS[main].kind === "stars" ? { top: 5 } : {})}
        unfinished={series.items.at(-1)?.unfinished ?? false}
        {...(open && series.granularity !== "week" && series.granularity !== "month"
          ? {
              onOpen: (step: number) => {
                const day = dayOf(series.items[step]!.start, cut.zone);
                go(behind(main, cut, { from: day, to: day })!.slice(1));
              },
            }
          : {})}
      />
    </Card>
  );
}

const capital = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1);

/** "312 in all, most on Tue, Nov 3 (41)." */
function summary(drawn: Drawn, series: Series, at: (seconds: number) => string, currency: string): string {
  const parts = drawn.names.map((name) => {
    const label = METRICS[name].label;
    const all = text(series.total, name);
    const known = series.items.map((step) => value(step.figures, name));
    const top = known.reduce<number>((best, one, i) => (one !== null && one > (known[best] ?? 0) ? i : best), 0);
    if (!known.some((one) => one !== null)) return `${label}: no data.`;
    if (!known[top]) return `${label}: ${all}.`;
    const most = `${at(secondsOf(series.items[top]!.start))} (${writer(name, currency)(known[top])})`;
    return drawn.names.length > 1 ? `${label} ${all}.` : additive(name) ? `${all} in all, most on ${most}.` : `${all} over the whole time, highest on ${most}.`;
  });
  return parts.join(" ");
}
