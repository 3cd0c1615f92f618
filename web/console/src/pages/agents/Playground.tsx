/** A chat with the draft or the published version, and beside it what each answer took: tokens, charge, time, sources. */

import { useState } from "preact/hooks";
import type { Schemas } from "../../api/client";
import { BUCKETS } from "../../buckets";
import { Chat } from "../../chat/Chat";
import { type Turn, useChat, type Version } from "../../chat/useChat";
import { count, DASH, duration, known } from "../../format";
import { Badge, Bar, Button, Card, Facts } from "../../parts/basics";
import { Segments } from "../../parts/fields";
import { to, useQuery } from "../../routing";
import { useCatalogue } from "./catalogue";

export default function Playground({ agent }: { agent: Schemas["ShownAgent"] }) {
  const [query, change] = useQuery();
  const version: Version = query.version === "published" && agent.published ? "published" : "draft";
  const [chosen, setChosen] = useState<string>();
  const chat = useChat(agent.id, version, (turn) => setChosen((now) => (chat.turns.some((one) => one.key === now) && now !== chat.turns.at(-2)?.key ? now : turn.key)));
  const turn = chat.turns.find((one) => one.key === chosen) ?? chat.turns.at(-1);
  return (
    <div class="stack">
      <div class="row between">
        <Segments
          label="Which version answers"
          value={version}
          onChange={(next) => change({ version: next === "draft" ? undefined : next })}
          options={[{ value: "draft", label: "Draft" }, ...(agent.published ? [{ value: "published", label: `Published, v${agent.published.number}` }] : [])]}
        />
        <Button icon="refresh" disabled={!chat.turns.length && "Nothing was said yet"} onClick={chat.clear}>
          New conversation
        </Button>
      </div>
      <div class="playground">
        <Chat agent={agent.id} name={agent.name} greeting={agent.definition.greeting} suggestions={agent.definition.sample_questions} chat={chat} chosen={turn?.key} onChoose={(one) => setChosen(one.key)} />
        <aside aria-label="What the answer took" class="stack">
          {turn ? <Inspector turn={turn} agent={agent.id} conversation={chat.conversation} /> : <Before />}
        </aside>
      </div>
    </div>
  );
}

function Before() {
  return (
    <Card title="What an answer takes">
      <p class="muted">Tokens by bucket, charge, time to the first word and the passages of knowledge behind each answer stand here. Turns in the playground are charged like any other.</p>
    </Card>
  );
}

function Inspector({ turn, agent, conversation }: { turn: Turn; agent: string; conversation: string | undefined }) {
  const catalogue = useCatalogue();
  const { facts } = turn;
  const buckets = facts ?? turn.usage;
  const sum = BUCKETS.reduce((all, [name]) => all + (buckets?.[name] ?? 0), 0);
  const certainty = { pending: BUCKETS.some(([name]) => facts?.[name] === null), estimated: Boolean(facts?.estimated) };
  const waiting = turn.state === "waiting" || turn.state === "streaming";
  return (
    <>
      <Card title="Tokens" aside={buckets?.estimated && <Badge tone="warning">Estimated</Badge>}>
        <ul class="stack tight">
          {BUCKETS.map(([name, label]) => {
            const value = buckets?.[name];
            return (
              <li key={name} class="rank">
                <span>{label}</span>
                <span class="number">{value === undefined || value === null ? (waiting || buckets ? "pending" : DASH) : `${buckets?.estimated ? "~" : ""}${count(value)}`}</span>
                <Bar plain share={sum && value ? value / sum : 0} />
              </li>
            );
          })}
        </ul>
        <Facts
          of={[
            ["Charge", facts ? known(facts.charge, certainty) : waiting || turn.usage ? "pending" : DASH],
            ["Cost of the provider", facts ? known(facts.cost, certainty) : waiting || turn.usage ? "pending" : DASH],
          ]}
        />
      </Card>
      <Card title="Time">
        <Facts
          of={[
            ["First word", duration(facts?.first_token_ms)],
            ["Whole answer", duration(facts?.latency_ms)],
            ["Model", facts ? catalogue.model(`${facts.provider}/${facts.model}`) : DASH],
            ["Answered by", turn.version === "draft" ? "the draft" : "the published version"],
            ["Earlier turns sent", facts ? `${count(facts.history_turns)}${facts.history_cut ? `, ${count(facts.history_cut)} left out` : ""}` : DASH],
            ["Price version", facts?.price_version || DASH],
          ]}
        />
        {conversation && facts && <a href={to(`/conversations/${conversation}`, { turn: facts.id })}>Open the conversation</a>}
      </Card>
      <Card title="Sources">
        {!facts?.sources.length && !turn.sources.length && <p class="muted">{waiting ? "They come with the answer." : "No passage of knowledge went into this answer."}</p>}
        <ul class="stack">
          {(facts?.sources ?? []).map((source) => (
            <li key={source.number} class="stack tight">
              <span class="row between">
                <a class="break grow" dir="auto" href={to(`/agents/${agent}`, { tab: "knowledge", item: source.item_id })}>
                  {source.number}. {source.title}
                </a>
                <span class="muted number" title="How well the passage fits the question">
                  {source.score.toFixed(3)}
                </span>
              </span>
              <p class="break passage" dir="auto">
                {source.text}
              </p>
            </li>
          ))}
        </ul>
      </Card>
    </>
  );
}
