/** A new widget: which agent, which template, where; everything else is decided while looking at it. */

import "../../styles/widgets.css";
import { useEffect, useState } from "preact/hooks";
import { call, newKey, type Schemas } from "../../api/client";
import { useAgents } from "../../api/names";
import { forget, useAction, useHere, useResource } from "../../api/resource";
import { Button, Card, Empty, Note } from "../../parts/basics";
import { toast } from "../../parts/dialog";
import { Field, Input, Lines, Select } from "../../parts/fields";
import { Submit } from "../../parts/form";
import { Page } from "../../parts/page";
import { ErrorNote, Loaded } from "../../parts/problem";
import { go, to, useQuery } from "../../routing";
import { may } from "../../session/session";
import { originError } from "./model";
import { Templates } from "./Templates";

export default function NewWidget() {
  const fleet = useResource("/api/my-agents", { query: { page_size: 500, sort: "name" } });
  const back = <a href={to("/widgets")}>Widgets</a>;
  return (
    <Page title="New widget" above={back} form>
      {may("member") ? (
        <Loaded from={fleet} lines={6}>
          {(data) =>
            data.items.length ? (
              <Make agents={data.items} />
            ) : (
              <Empty level={2} title="There is no agent to speak yet" action={<Button kind="primary" href={to("/agents/new")}>New agent</Button>}>
                A widget is the window; an agent is who speaks in it.
              </Empty>
            )
          }
        </Loaded>
      ) : (
        <Note tone="warning" title="You may not make widgets">
          <p>Ask an owner or admin of this workspace to make you a member.</p>
        </Note>
      )}
    </Page>
  );
}

function Make({ agents }: { agents: Schemas["FleetAgent"][] }) {
  const [query] = useQuery();
  const { name } = useAgents();
  const templates = useResource("/api/templates");
  const [agent, setAgent] = useState(agents.find((one) => one.id === query.agent)?.id ?? agents.find((one) => one.status === "active")?.id ?? agents[0]!.id);
  const [title, setTitle] = useState("Website chat");
  const [template, setTemplate] = useState<Schemas["Template"]["name"]>("paper");
  const [origins, setOrigins] = useState<string[]>([]);
  const [tried, setTried] = useState(false);
  // The same wish keeps its key, so that a retry after a lost answer makes no second widget; another wish gets another one.
  const [key, setKey] = useState(newKey);
  useEffect(() => setKey(newKey()), [agent, title, template, origins.join("\n")]);

  const wrong = origins.map(originError).find(Boolean);
  const here = useHere();
  const making = useAction(async () => {
    const body = { agent_id: agent, name: title, allowed_origins: origins, theme: { name: template } };
    // What is absent has a default, which the contract's type does not say.
    const { data } = await call("post", "/api/widgets", { body: body as unknown as Schemas["NewWidget"], key });
    forget("/api/widgets");
    if (here()) go(`/widgets/${data.id}?tab=design`, { replace: true });
    else toast(`${data.name} is made`);
  });
  const submit = () => {
    setTried(true);
    if (!wrong && title.trim()) void making.run();
  };
  return (
    <Submit onSubmit={submit} label="New widget">
      <Card title="Who speaks">
        <Field label="Agent" pointer="/agent_id" error={making.problem?.at("/agent_id")} hint={agents.find((one) => one.id === agent)?.status === "active" ? undefined : `${name(agent)} is not active: visitors would read its away message.`}>
          <Select value={agent} onChange={setAgent} options={agents.map((one) => ({ value: one.id, label: one.status === "active" ? one.name : `${one.name} (${one.status})` }))} />
        </Field>
        <Field label="Name" hint="For your team; visitors see the agent's name." pointer="/name" error={making.problem?.at("/name") ?? (tried && !title.trim() ? "Give it a name." : undefined)}>
          <Input value={title} onInput={setTitle} maxLength={80} required />
        </Field>
      </Card>
      <Card title="Template">
        <Loaded from={templates} lines={6}>
          {(data) => <Templates items={data.items} value={template} onChange={setTemplate} />}
        </Loaded>
      </Card>
      <Card title="Where it may appear">
        <Field label="Allowed origins" optional hint="One a line: scheme and host, such as https://www.example.com. Only pages of these sites can open the chat; you can add them later." pointer="/allowed_origins" error={making.problem?.at("/allowed_origins") ?? (tried ? wrong : undefined)}>
          <Lines value={origins} onChange={setOrigins} rows={3} placeholder="https://www.example.com" />
        </Field>
      </Card>
      {making.problem && <ErrorNote problem={making.problem} safe="What you typed is still here." />}
      <div class="row end">
        <Button href={to("/widgets")}>Cancel</Button>
        <Button kind="primary" submit busy={making.busy}>
          Make widget
        </Button>
      </div>
    </Submit>
  );
}
