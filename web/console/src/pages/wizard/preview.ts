/** The prompt of the saved draft, made anew when the draft or its knowledge changes. */

import { useEffect, useState } from "preact/hooks";
import { call, type Schemas } from "../../api/client";
import { asProblem, type Problem } from "../../api/problem";
import type { Agent } from "./draft";

type Preview = Schemas["functions__agents__preview__Preview"];

export interface Previewed {
  data: Preview | undefined;
  problem: Problem | undefined;
  reload: () => void;
}

export function usePreview(agent: Agent | undefined): Previewed {
  const [data, setData] = useState<Preview>();
  const [problem, setProblem] = useState<Problem>();
  const [again, setAgain] = useState(0);
  useEffect(() => {
    if (!agent) return;
    const stop = new AbortController();
    call("post", "/api/agents/prompt-preview", { body: { agent_id: agent.id, definition: agent.definition }, signal: stop.signal })
      .then((got) => {
        setData(got.data);
        setProblem(undefined);
      })
      .catch((error: unknown) => !stop.signal.aborted && setProblem(asProblem(error)));
    return () => stop.abort();
  }, [agent?.updated_at, agent?.knowledge.revision, again]);
  return { data, problem, reload: () => setAgain((n) => n + 1) };
}
