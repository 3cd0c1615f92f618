/** Published versions: who published what, what differs between two by section, and the way back. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { call, type Schemas } from "../../api/client";
import { forget, type Resource, useAction, usePages, useResource, useWhole } from "../../api/resource";
import { plural, when } from "../../format";
import { keyOf } from "../../kept";
import { Badge, Button, Card, Empty } from "../../parts/basics";
import { toast } from "../../parts/dialog";
import { Field, Select } from "../../parts/fields";
import { ErrorNote, Loaded } from "../../parts/problem";
import { type Column, List } from "../../parts/table";
import { useQuery } from "../../routing";
import { may } from "../../session/session";
import { useCatalogue } from "./catalogue";
import { Differences } from "./Differences";
import { save } from "./Life";

type Version = Schemas["ListedVersion"];

export default function Versions({ agent, draft }: { agent: Schemas["ShownAgent"]; draft: Resource<Schemas["ShownAgent"]> }) {
  const [query, change] = useQuery();
  const pages = usePages("/api/agents/{agent}/versions", { path: { agent: agent.id } });
  const members = useWhole("/api/workspace/members");
  const catalogue = useCatalogue();
  const [returning, setReturning] = useState<string>();
  const published = useRef(agent.published?.id);
  useEffect(() => {
    if (published.current !== agent.published?.id) void pages.reload();
    published.current = agent.published?.id;
  }, [agent.published?.id]);
  const back = useAction(async (version: Version) => {
    setReturning(version.id);
    const before = agent.published;
    const roll = async (id: string) => {
      const { data } = await call("post", "/api/agents/{agent}/rollback", { path: { agent: agent.id }, body: { version: id }, key: keyOf(`rollback.${agent.id}`, [agent.published?.id, id]) });
      forget("/api/my-agents", "/api/agents/{agent}/versions");
      await draft.reload();
      return data;
    };
    const made = await roll(version.id);
    toast(`v${made.number} is what v${version.number} was, and visitors meet it now`, before ? async () => void (await roll(before.id)) : undefined);
  });
  const who = (id: string) => {
    const person = members.data?.items.find((member) => `person:${member.id}` === id || member.id === id);
    return person?.name || person?.email || (id.startsWith("key") ? "an API key" : "a former member");
  };
  const columns = useMemo<Column<Version>[]>(
    () => [
      {
        id: "number",
        head: "Version",
        card: "title",
        cell: (version) => (
          <span class="row">
            <span class="number">v{version.number}</span>
            {version.id === agent.published?.id && <Badge tone="success">Published</Badge>}
            {version.rolled_back_to && <Badge>As v{version.rolled_back_to}</Badge>}
            {version.checks_failing ? <Badge tone="danger">{plural(version.checks_failing, "check")} failed</Badge> : version.check_run ? <Badge tone="success">Checks passed</Badge> : null}
          </span>
        ),
      },
      { id: "name", head: "Name then", card: "detail", cell: (version) => <span dir="auto" class="break">{version.name}</span> },
      { id: "model", head: "Model", card: "detail", cell: (version) => catalogue.model(version.model) },
      { id: "published_at", head: "Published", card: "detail", cell: (version) => when(version.published_at) },
      { id: "by", head: "By", card: "detail", cell: (version) => <span dir="auto" class="break">{who(version.published_by)}</span> },
      {
        id: "actions",
        head: <span class="hidden">Actions</span>,
        card: "status",
        cell: (version) => (
          <span class="row end">
            <Button kind="quiet" onClick={() => change({ compare: version.id, against: undefined })} pressed={query.compare === version.id}>
              Changes
            </Button>
            {may("member") && version.id !== agent.published?.id && (
              <Button busy={back.busy && returning === version.id} onClick={() => void back.run(version)}>
                Roll back
              </Button>
            )}
          </span>
        ),
      },
    ],
    [agent.published?.id, members.data, catalogue, query.compare, back.busy],
  );
  return (
    <div class="stack loose">
      {back.problem && <ErrorNote problem={back.problem} />}
      <List
        label="Versions"
        pages={pages}
        columns={columns}
        keyOf={(version) => version.id}
        current={query.compare}
        empty={<Empty title="Nothing is published yet">Each Publish makes a version that is never changed: what visitors meet, and a place to go back to.</Empty>}
      />
      {pages.items.length > 0 && <Compare agent={agent} versions={pages.items} />}
    </div>
  );
}

const DRAFT = "draft";

function Compare({ agent, versions }: { agent: Schemas["ShownAgent"]; versions: Version[] }) {
  const [query, change] = useQuery();
  const latest = versions[0]!;
  // What a person wants to know first: what Publish would change; without a change, what the last one did.
  const preset = agent.unpublished_changes ? { compare: DRAFT, against: agent.published?.id ?? latest.id } : { compare: latest.id, against: versions[1]?.id ?? "" };
  const compare = query.compare ?? preset.compare;
  const older = compare === DRAFT ? (agent.published?.id ?? latest.id) : (versions[versions.findIndex((one) => one.id === compare) + 1]?.id ?? "");
  const against = query.against ?? (query.compare ? older : preset.against);
  const options = [{ value: DRAFT, label: "Draft" }, ...versions.map((one) => ({ value: one.id, label: `v${one.number}` }))];
  const name = (id: string) => options.find((one) => one.value === id)?.label ?? "an older version";
  // The API compares up to a version; up to the draft is the same the other way round.
  const turned = compare === DRAFT;
  const version = turned ? against : compare;
  const other = turned ? DRAFT : against;
  const same = compare === against || (version === DRAFT && other === DRAFT);
  const difference = useResource("/api/agents/{agent}/versions/{version}/diff", !same && version ? { path: { agent: agent.id, version }, query: other ? { against: other } : {} } : null);
  // An answer about an older draft would be wrong: the draft changes under the same address.
  const [seen, setSeen] = useState(agent);
  if (seen !== agent) {
    setSeen(agent);
    void difference.reload();
  }
  const fetching = useAction(async () => {
    const { data } = await call("get", "/api/agents/{agent}/versions/{version}", { path: { agent: agent.id, version: compare } });
    save(new Blob([data.yaml], { type: "application/yaml" }), `${agent.name}-v${data.number}.yaml`);
  });
  return (
    <Card
      title="What differs"
      aside={
        compare !== DRAFT && (
          <Button
            icon="download"
            busy={fetching.busy}
            onClick={() => void fetching.run()}
          >
            YAML of {name(compare)}
          </Button>
        )
      }
    >
      {fetching.problem && <ErrorNote problem={fetching.problem} retry={() => fetching.run()} />}
      <div class="compare">
        <Field label="From">
          <Select value={against} onChange={(next) => change({ compare, against: next })} options={options.map((one) => ({ ...one, disabled: one.value === compare }))} />
        </Field>
        <Field label="To">
          <Select value={compare} onChange={(next) => change({ compare: next, against })} options={options.map((one) => ({ ...one, disabled: one.value === against }))} />
        </Field>
      </div>
      {same ? (
        <p class="muted">{versions.length === 1 && !agent.unpublished_changes ? "This is the first version; the draft is the same." : "Choose two that are not the same."}</p>
      ) : (
        <Loaded from={difference}>{(data) => <Differences sections={data.sections} turned={turned} first={data.against === null} />}</Loaded>
      )}
    </Card>
  );
}
