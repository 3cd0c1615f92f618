/** A question, and the passages of knowledge that it would bring along, with their scores. */

import { useState } from "preact/hooks";
import { call, type Schemas } from "../../api/client";
import { useAction } from "../../api/resource";
import { Badge, Button } from "../../parts/basics";
import { Field, Input } from "../../parts/fields";
import { Submit } from "../../parts/form";
import { ErrorNote } from "../../parts/problem";

export function Trial({ agent, open }: { agent: Schemas["ShownAgent"]; open: (item: string) => void }) {
  const [question, setQuestion] = useState("");
  const [found, setFound] = useState<{ question: string; passages: Schemas["FoundPassage"][] }>();
  const searching = useAction(async () => {
    const asked = question.trim();
    const passages = agent.definition.knowledge?.passages;
    const { data } = await call("post", "/api/agents/{agent}/knowledge/search", { path: { agent: agent.id }, body: { question: asked, ...(passages ? { passages } : {}) } });
    setFound({ question: asked, passages: data.items });
  });
  return (
    <div class="stack">
      <Submit label="Trial search" onSubmit={() => question.trim() && void searching.run()}>
        <Field label="A question as a visitor would ask it">
          <Input type="search" value={question} onInput={setQuestion} maxLength={1000} placeholder={agent.definition.sample_questions?.[0] ?? "When are you open?"} />
        </Field>
        <div class="row">
          <Button submit icon="search" busy={searching.busy} disabled={!question.trim() && "Write a question first"}>
            Search knowledge
          </Button>
        </div>
      </Submit>
      {searching.problem && <ErrorNote problem={searching.problem} retry={() => searching.run()} />}
      <div role="status" class="stack">
        {found && !found.passages.length && <p class="muted">Nothing fits “{found.question}”. The agent would say that it does not know.</p>}
        {found && found.passages.length > 0 && (
          <ol class="stack" aria-label={`Found for ${found.question}`}>
            {found.passages.map((passage, i) => (
              <li key={`${passage.item_id}${i}`} class="stack tight found">
                <span class="row between">
                  <button type="button" class="jump plain-jump break grow" dir="auto" onClick={() => open(passage.item_id)}>
                    {i + 1}. {passage.title}
                  </button>
                  <Badge tone={passage.evidence >= 1 ? "success" : "neutral"}>{passage.evidence >= 1 ? "Answers it" : "Weak"}</Badge>
                </span>
                <p class="break passage" dir="auto">
                  {passage.text}
                </p>
                <p class="muted scores number">
                  score {passage.score.toFixed(4)}, words {passage.bm25.toFixed(2)}, meaning {passage.cosine === null ? "–" : passage.cosine.toFixed(2)}, evidence {passage.evidence.toFixed(2)}
                </p>
              </li>
            ))}
          </ol>
        )}
      </div>
    </div>
  );
}
