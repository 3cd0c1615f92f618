/** The workspace by industry, each beside what is typical of it across workspaces, or the reason why that is not known. */

import type { Schemas } from "../../api/client";
import { useResource } from "../../api/resource";
import { Benchmark } from "../../charts/Benchmark";
import { billingDay, count, money, share, when } from "../../format";
import { Card, Empty, Note } from "../../parts/basics";
import { Definition } from "../../parts/figure";
import { Loaded } from "../../parts/problem";
import { type Column, Table } from "../../parts/table";
import type { Cut } from "./cut";
import { METRICS, type Name, writer } from "./figures";
import { useNames } from "./Breakdown";

type Industry = Schemas["IndustryPerformance"];

/** Where figures count as similar: a tenth around the typical one, as the API's `position` does. */
const SIMILAR = 0.1;
const isName = (name: string): name is Name => name in METRICS;

export function Industries({ cut }: { cut: Cut }) {
  const found = useResource("/api/analytics/industries", { query: { from: cut.span.from, to: cut.span.to } });
  const nameOf = useNames("industry");
  return (
    <Loaded from={found} lines={8}>
      {(data) =>
        data.items.length === 0 ? (
          <Card>
            <Empty title="No usage in this time">Industries of your agents appear here with their first turns, each beside what is typical of it.</Empty>
          </Card>
        ) : (
          <>
            <Card title="By industry">
              <Table label="Industries" columns={columns(nameOf, cut)} items={data.items} keyOf={(one) => one.industry} />
            </Card>
            <Benchmarks data={data} nameOf={nameOf} />
          </>
        )
      }
    </Loaded>
  );
}

const columns = (nameOf: (key: string) => string, cut: Cut): Column<Industry>[] => [
  { id: "industry", head: "Industry", card: "title", cell: (one) => <a href={cut.href("/analytics", { industry: one.industry, agent: undefined, model: undefined, channel: undefined, version: undefined })}>{nameOf(one.industry)}</a> },
  { id: "conversations", head: "Conversations", card: "figure", number: true, cell: (one) => count(one.current.conversations) },
  { id: "before", head: "Before", card: "detail", number: true, cell: (one) => <span class="muted">{count(one.before.conversations)}</span> },
  { id: "resolution", head: "Resolved", card: "figure", number: true, cell: (one) => share(one.current.resolution_rate) },
  { id: "errors", head: "Errors", card: "figure", number: true, cell: (one) => share(one.current.error_rate) },
  { id: "charge", head: "Charge", card: "figure", number: true, cell: (one) => money(one.current.charge) },
];

const WHERE = { lower: "Lower than", similar: "Similar to", higher: "Higher than" };

/** A card for each industry with a benchmark; for those without, the reason once. */
function Benchmarks({ data, nameOf }: { data: Schemas["Industries"]; nameOf: (key: string) => string }) {
  const those = (state: Industry["benchmark"]["state"]) => data.items.filter((one) => one.benchmark.state === state);
  const names = (of: Industry[]) => new Intl.ListFormat("en").format(of.map((one) => nameOf(one.industry)));
  const [few, missing] = [those("too_few"), those("unavailable")];
  const known = data.items.filter((one) => !few.includes(one) && !missing.includes(one));
  return (
    <>
      {known.length > 0 && (
        <div class="grid">
          {known.map((one) => (
            <Card key={one.industry} title={nameOf(one.industry)} span={6}>
              <Beside one={one} data={data} />
            </Card>
          ))}
        </div>
      )}
      {missing.length > 0 && (
        <Note tone="warning" title="The benchmark is not available just now">
          <p>{names(missing)}. Your own figures are not affected. It is tried again within ten minutes.</p>
        </Note>
      )}
      {few.length > 0 && (
        <Note title="No benchmark yet">
          <p>
            Fewer than {data.least_workspaces} workspaces have enough turns in: {names(few)}. With fewer, the figures of a single one could be read from it.
          </p>
        </Note>
      )}
    </>
  );
}

function Beside({ one: { benchmark }, data }: { one: Industry; data: Schemas["Industries"] }) {
  const figures = Object.entries(benchmark.figures).filter((entry): entry is [Name, (typeof entry)[1]] => isName(entry[0]));
  return (
    <div class="stack">
      <p class="muted">
        {benchmark.workspaces} workspaces, {billingDay(data.benchmark_days.first)} to {billingDay(data.benchmark_days.last)}
        {data.benchmark_as_of && `, made ${when(data.benchmark_as_of)}`}. The band is what counts as similar to the typical one.
      </p>
      {figures.map(([name, compared]) => {
        const write = writer(name, "");
        return (
          <div key={name} class="with-definition">
            <Benchmark
              name={METRICS[name].label}
              own={compared.own}
              band={[compared.typical * (1 - SIMILAR), compared.typical * (1 + SIMILAR)]}
              write={write}
              summary={compared.position ? `${WHERE[compared.position]} what is typical (${write(compared.typical)}).` : `Typical is ${write(compared.typical)}; of yours nothing was measured.`}
            />
            <Definition metric={name} name={METRICS[name].label} />
          </div>
        );
      })}
    </div>
  );
}
