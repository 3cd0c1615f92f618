/** A run of the test cases as it goes: each result when it is there; a lost connection asks for the same run again. */

import { useEffect, useRef, useState } from "preact/hooks";
import { newKey, raw, type Schemas } from "../../api/client";
import { asProblem, offline, type Problem } from "../../api/problem";
import { events, problemIn } from "../../chat/stream";
import type { Amount } from "../../format";

export type Result = Schemas["ShownResult"];

export interface Running {
  /** How many turns it will ask; undefined until the server has begun. */
  turns: number | undefined;
  /** The most that it can be charged. */
  highest: Amount | undefined;
  results: Result[];
}

export interface Runner {
  running: Running | undefined;
  problem: Problem | undefined;
  start: () => void;
  stop: () => void;
}

const TRIES = 60;

/** `ended` is told the run's id once its results are stored. */
export function useRun(agent: string, ended: (run: string) => void): Runner {
  const [running, setRunning] = useState<Running>();
  const [problem, setProblem] = useState<Problem>();
  const stopper = useRef<AbortController | undefined>(undefined);
  // One key a run: after a lost answer the same key finds what was stored, and nothing is asked or charged twice.
  const key = useRef(newKey());
  const gone = useRef(false);
  useEffect(
    () => () => {
      gone.current = true;
      stopper.current?.abort();
    },
    [],
  );

  const start = async () => {
    if (stopper.current) return;
    const stop = new AbortController();
    stopper.current = stop;
    setProblem(undefined);
    setRunning({ turns: undefined, highest: undefined, results: [] });
    let run = "";
    try {
      const response = await opened(agent, key.current, stop.signal);
      let done = false;
      for await (const event of events(response)) {
        if (event.name === "start") {
          run = String(event.data.run_id);
          setRunning({ turns: Number(event.data.turns), highest: event.data.highest as Amount, results: [] });
        } else if (event.name === "case") setRunning((now) => now && { ...now, results: [...now.results, event.data as Result] });
        else if (event.name === "error") throw problemIn(event);
        else if (event.name === "done") done = true;
      }
      if (!done) throw offline();
      key.current = newKey();
      ended(run);
    } catch (error) {
      if (stop.signal.aborted) {
        key.current = newKey();
        // What was asked is stored a moment after the server has noticed; the list of runs shows it then. Who has left
        // the page must not be led back to it.
        setTimeout(() => !gone.current && ended(run), 1500);
      } else {
        const found = error instanceof TypeError ? offline() : asProblem(error);
        if (found.code !== "offline") key.current = newKey();
        setProblem(found);
      }
    } finally {
      stopper.current = undefined;
      setRunning(undefined);
    }
  };
  return { running, problem, start: () => void start(), stop: () => stopper.current?.abort() };
}

/** The stream of the run; while the same run still goes on elsewhere (409 after a lost connection) it waits for it. */
async function opened(agent: string, key: string, signal: AbortSignal): Promise<Response> {
  for (let n = 0; ; n++) {
    try {
      return await raw("POST", `/api/agents/${encodeURIComponent(agent)}/checks/run`, { headers: { Accept: "text/event-stream", "Idempotency-Key": key }, signal });
    } catch (error) {
      const found = asProblem(error);
      if (found.code !== "run_in_progress" || n === TRIES || signal.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, (found.retryAfter ?? 2) * 1000));
    }
  }
}
