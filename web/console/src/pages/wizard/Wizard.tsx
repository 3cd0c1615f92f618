/** From an industry to a published agent with a widget: six steps, each saved, each with an address, a chat beside them. */

import "../../styles/wizard.css";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { call, type Schemas } from "../../api/client";
import { forget, type Resource, useResource } from "../../api/resource";
import { useChat } from "../../chat/useChat";
import { useKept } from "../../kept";
import { Button, Empty, Skeleton } from "../../parts/basics";
import { Choose, useForm } from "../../parts/form";
import { Page } from "../../parts/page";
import { ErrorNote } from "../../parts/problem";
import { to, useQuery } from "../../routing";
import { may, workspace } from "../../session/session";
import { leaveAt } from "../../unfinished";
import { type Agent, type DraftForm, type Fields, fieldsOf, NAMES, patchOf, type Step, stepOf } from "./draft";
import { Frame } from "./Frame";
import { Goals } from "./Goals";
import { FirstIndustry, Industry } from "./Industry";
import { Knowledge } from "./Knowledge";
import { Live } from "./Live";
import { Look } from "./Look";
import { Model } from "./Model";
import { Review, usePublishing } from "./Review";
import { Try } from "./Try";

export default function Wizard({ agent }: { agent?: string }) {
  if (workspace.value && !may("member"))
    return (
      <Page title="New agent">
        <Empty level={2} title="You may look, not build" action={<Button href={to("/agents")}>See the agents</Button>}>
          Agents are made by members of the workspace. Ask an owner or admin for that role.
        </Empty>
      </Page>
    );
  return agent ? <GoOn key={agent} agent={agent} /> : <FirstIndustry />;
}

function GoOn({ agent }: { agent: string }) {
  const stored = useResource("/api/agents/{agent}", { path: { agent } });
  const industries = useResource("/api/industries");
  const config = useResource("/api/config");
  const problem = [stored, industries, config].find((one) => one.problem && !one.data);
  if (stored.data && industries.data && config.data) return <Steps agent={stored.data} from={stored} industries={industries.data.items} config={config.data} />;
  return (
    <Page title="New agent">
      {problem ? <ErrorNote problem={problem.problem!} retry={() => [stored, industries, config].map((one) => one.data ?? void one.reload())} safe="What you typed is kept in this tab." /> : <Skeleton lines={8} />}
    </Page>
  );
}

/** What every step gets. */
export interface StepProps {
  agent: Agent;
  form: DraftForm;
  config: Schemas["Config"];
  industries: Schemas["ShownIndustry"][];
  /** Reads the agent again: its knowledge and its ETag changed. */
  reload: () => Promise<void>;
  goTo: (step: Step) => void;
}

/** What the widget will be, until there is one. */
export type Wish = { theme: Schemas["Template"]["name"]; sites: string };

function Steps({ agent, from, industries, config }: { agent: Agent; from: Resource<Agent>; industries: Schemas["ShownIndustry"][]; config: Schemas["Config"] }) {
  const [query, change] = useQuery();
  const step = stepOf(query.step);
  useEffect(() => leaveAt(agent.id, step), [agent.id, step]);
  const stored = useMemo(() => fieldsOf(agent.definition), [agent.definition]);
  const path = { agent: agent.id };
  // A change goes over what was read last, also in the save that read it.
  const definition = useRef(agent.definition);
  definition.current = agent.definition;
  const form = useForm<Fields>({
    stored,
    etag: from.etag,
    keep: `wizard.${agent.id}.fields`,
    save: async (changed, _, etag) => {
      const { data, etag: next } = await call("patch", "/api/agents/{agent}", { path, etag, body: patchOf(changed, definition.current) });
      from.put(data, next);
      forget("/api/my-agents");
    },
    reread: async () => {
      const { data, etag } = await call("get", "/api/agents/{agent}", { path });
      from.put(data, etag);
      definition.current = data.definition;
      return { stored: fieldsOf(data.definition), etag };
    },
    check: (values) => ({
      name: values.name.trim() ? undefined : "Give the agent a name.",
      greeting: values.greeting.trim() ? undefined : "Say how the agent greets.",
    }),
  });
  const [wish, setWish] = useKept<Wish>(`wizard.${agent.id}.wish`, { theme: "paper", sites: "" });
  const chat = useChat(agent.id, "draft");

  const show = (next: Step) => change({ step: next }, true);
  const goTo = async (next: Step) => {
    if (form.dirty.length && !(await form.save())) return;
    show(next);
  };
  const done = (widget: string) => change({ step: "live", widget });
  const publishing = usePublishing({ agent, form, reload: from.reload, wish }, done);
  useSaveKey(form);

  if (query.step === "live" && query.widget) return <Live agent={agent} widget={query.widget} />;

  const given: StepProps = { agent, form, config, industries, reload: from.reload, goTo: (next) => void goTo(next) };
  const beside = <Try agent={agent} form={form} chat={chat} wish={wish} />;
  const frame = { step, form, goTo: given.goTo, ready: true, beside, name: agent.name };
  const next = { label: "Publish", act: () => void publishing.run(), busy: publishing.busy, disabled: publishing.wrong.length ? "Mend the address of your site first" : undefined };
  return (
    <>
      <Frame {...frame} {...(step === "review" ? { next } : {})}>
        {
          {
            industry: () => <Industry {...given} />,
            goals: () => <Goals {...given} />,
            model: () => <Model {...given} />,
            knowledge: () => <Knowledge {...given} />,
            look: () => <Look {...given} wish={wish} setWish={setWish} />,
            review: () => <Review {...given} wish={wish} setWish={setWish} publishing={publishing} />,
          }[step]()
        }
      </Frame>
      {form.conflict && <Choose form={form} names={NAMES} />}
    </>
  );
}

/** Ctrl or Cmd-S saves here, too. */
function useSaveKey(form: DraftForm) {
  const latest = useRef(form);
  latest.current = form;
  useLayoutEffect(() => {
    const keys = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s") return;
      event.preventDefault();
      if (latest.current.dirty.length) void latest.current.save();
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  }, []);
}
