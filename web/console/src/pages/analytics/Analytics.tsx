/** How much, how well, how fast, at what cost: figures of a span beside the one before, by every part they are made of. */

import "../../styles/analytics.css";
import { useResource } from "../../api/resource";
import type { Schemas } from "../../api/client";
import { Multiples } from "../../charts/Multiples";
import { money, tick } from "../../format";
import { Button, Card, Empty } from "../../parts/basics";
import { Definition } from "../../parts/figure";
import { Page, Tabs } from "../../parts/page";
import { Loaded } from "../../parts/problem";
import { today } from "../../parts/range";
import { to, useQuery, withQuery } from "../../routing";
import { may } from "../../session/session";
import { Breakdown, useNames } from "./Breakdown";
import { Bar, type Cut, useCut } from "./cut";
import { Cumulative } from "./Cumulative";
import { value, writer } from "./figures";
import { Freshness } from "./Freshness";
import { Industries } from "./Industries";
import { Over } from "./Over";
import { granularityOf } from "./spans";
import { type Tab, TABS } from "./tabs";
import { Tiles } from "./Tiles";
import { secondsOf, writers } from "./times";
import { Versions } from "./Versions";

const EVERY = 60_000;

export default function Analytics() {
  const [query] = useQuery();
  const cut = useCut();
  const tab = TABS.find((one) => one.id === query.tab) ?? TABS[0]!;
  const industries = query.tab === "industries";
  const live = cut.span.to >= today(cut.zone);
  const found = useResource("/api/analytics", industries ? null : { query: cut.query }, live ? EVERY : undefined);
  const path = (id: string) => withQuery("/analytics", { ...query, tab: id === "volume" ? undefined : id });
  return (
    <Page
      title="Analytics"
      updated={found.at}
      actions={
        may("member") && (
          <Button icon="download" href={to("/exports", { kind: "stats", from: cut.span.from, to: cut.span.to })}>
            Export
          </Button>
        )
      }
      tabs={<Tabs label="Figures" current={industries ? "industries" : tab.id} tabs={[...TABS.map(({ id, label }) => ({ id, label, href: path(id) })), { id: "industries", label: "Industries", href: path("industries") }]} />}
    >
      <Bar cut={cut} plain={industries} />
      {industries ? (
        <Industries cut={cut} />
      ) : (
        <Loaded from={found} lines={8}>
          {(data) => <Figures key={tab.id} tab={tab} data={data} cut={cut} live={live} />}
        </Loaded>
      )}
    </Page>
  );
}

function Figures({ tab, data, cut, live }: { tab: Tab; data: Schemas["Comparison"]; cut: Cut; live: boolean }) {
  const { series } = data;
  if (!series) return null;
  const none = series.total.turns === 0 && series.total.errors === 0 && series.compared_before.turns === 0;
  return (
    <div class="stack loose figures">
      <Freshness of={data} live={live && !cut.filter} />
      {none ? (
        <Card>
          {cut.filter ? (
            <Empty title="No usage of this in this time" action={<Button onClick={() => cut.change({ agent: undefined, model: undefined, channel: undefined, industry: undefined, version: undefined })}>Clear filter</Button>}>
              Another time span or all agents may have some.
            </Empty>
          ) : (
            <Empty title="No usage in this time" action={<Button href={to("/widgets")}>Get the embed code</Button>}>
              Figures appear within seconds of the first conversation.
            </Empty>
          )}
        </Card>
      ) : (
        <>
          <Tiles names={tab.tiles} series={series} cut={cut} />
          <div class="grid">
            {tab.charts.map((drawn) => (
              <Over key={drawn.title} drawn={drawn} series={series} cut={cut} />
            ))}
            {tab.id === "cost" && !cut.filter && <Cumulative />}
            {tab.id === "cost" && <Parts cut={cut} />}
            <Breakdown names={tab.ranked} found={data} cut={cut} />
            {tab.id === "quality" && <Versions cut={cut} />}
          </div>
        </>
      )}
    </div>
  );
}

/** Who spends it when: the charge of each part over time, on one scale. */
function Parts({ cut }: { cut: Cut }) {
  const nameOf = useNames(cut.by);
  const granularity = granularityOf(cut.span);
  const found = useResource("/api/usage/stats", cut.filter ? null : { query: { from: cut.span.from, to: cut.span.to, granularity, group_by: cut.by } });
  const keys = [...new Set(found.data?.items.flatMap((step) => Object.keys(step.groups ?? {})))];
  if (cut.filter || (found.data && keys.length < 2)) return null;
  const write = writers(granularity, cut.zone);
  const live = cut.span.to >= today(cut.zone);
  return (
    <Card title="Charge over time" span={12} aside={<Definition metric="charge" name="Charge" />}>
      <Loaded from={found} lines={6}>
        {(data) => (
          <Multiples
            name={`Charge by ${cut.by} over time`}
            summary={`${money(data.total.charge)} in all, on one scale.`}
            at={data.items.map((step) => secondsOf(step.start))}
            kind="columns"
            unfinished={live}
            write={writer("charge", data.total.charge.currency)}
            writeAxis={tick}
            writeAt={write.at}
            writeTick={write.tick}
            series={keys.map((key) => ({ name: nameOf(key), colour: 1, values: data.items.map((step) => (step.groups?.[key] ? value(step.groups[key], "charge") : 0)) }))}
          />
        )}
      </Loaded>
    </Card>
  );
}
