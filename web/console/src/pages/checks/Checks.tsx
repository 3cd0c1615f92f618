/** The checks of an agent: its test cases, a run of them on draft and published version, earlier runs. */

import "../../styles/checks.css";
import { useState } from "preact/hooks";
import type { Schemas } from "../../api/client";
import { asProblem } from "../../api/problem";
import { useAction, useResource } from "../../api/resource";
import { drop, takenAlong } from "../../asked";
import { fine, plural, when } from "../../format";
import { Badge, Bar, Button, Card, Empty, Note, State } from "../../parts/basics";
import { toast } from "../../parts/dialog";
import { ErrorNote, Loaded } from "../../parts/problem";
import { type Column, Table } from "../../parts/table";
import { to, useQuery, withQuery } from "../../routing";
import { may } from "../../session/session";
import { type Case, CaseDialog, getCases, putCases, type Shown, type Stored } from "./CaseDialog";
import { Results } from "./Results";
import { type Running, useRun } from "./run";

const MOST = 50;

export default function Checks({ agent }: { agent: string }) {
  const path = { agent };
  const cases = useResource("/api/agents/{agent}/checks", { path });
  const runs = useResource("/api/agents/{agent}/checks/runs", { path });
  const [query, change] = useQuery();
  const [chosen, setEditing] = useState<{ id: string | undefined }>();
  const editing = chosen ?? (query.add === "case" && may("member") ? { id: undefined } : undefined);
  const close = () => {
    drop(agent);
    setEditing(undefined);
    change({ add: undefined });
  };
  const run = query.run ?? runs.data?.items[0]?.id;
  const runner = useRun(agent, (made) => change({ run: made || undefined }));
  const put = (now: Stored) => cases.put(now.data, now.etag);

  const removing = useAction(async (gone: Case, stored: Stored) => {
    const at = stored.data.cases.findIndex((one) => one.id === gone.id);
    put(await overwritten(agent, stored, (all) => all.filter((one) => one.id !== gone.id)));
    toast("The test case is deleted", async () => {
      put(await overwritten(agent, await getCases(agent), (all) => (all.some((one) => one.id === gone.id) ? all : [...all.slice(0, at), gone, ...all.slice(at)])));
    });
  });

  return (
    <div class="stack loose">
      <Loaded from={cases} lines={6}>
        {(data) => {
          const stored = { data, etag: cases.etag };
          return (
            <>
              <Card
                title="Test cases"
                aside={
                  may("member") &&
                  data.cases.length > 0 && (
                    <Button icon="plus" disabled={data.cases.length >= MOST && `There are at most ${MOST} cases`} onClick={() => setEditing({ id: undefined })}>
                      Add case
                    </Button>
                  )
                }
              >
                {removing.problem && <ErrorNote problem={removing.problem} />}
                {data.cases.length ? (
                  <Cases cases={data.cases} edit={(id) => setEditing({ id })} remove={(one) => void removing.run(one, stored)} />
                ) : (
                  <Empty
                    title="No test cases yet"
                    action={
                      may("member") && (
                        <Button kind="primary" icon="plus" onClick={() => setEditing({ id: undefined })}>
                          Add case
                        </Button>
                      )
                    }
                  >
                    A case is a question and what its answer must say. From the first one on, publishing asks that all of them pass.
                  </Empty>
                )}
              </Card>
              {data.cases.length > 0 && <RunCard shown={data} runner={runner} last={runs.data?.items[0]} />}
              {editing && <CaseDialog key={editing.id ?? "new"} agent={agent} stored={stored} id={editing.id} question={chosen ? "" : takenAlong(agent)} saved={put} onClose={close} />}
            </>
          );
        }}
      </Loaded>
      {run && !runner.running && <OneRun agent={agent} run={run} cases={cases.data?.cases ?? []} />}
      {runs.problem && !runs.data && <ErrorNote problem={runs.problem} retry={runs.reload} />}
      {runs.data && runs.data.items.length > 0 && <Earlier agent={agent} runs={runs.data.items} current={run} />}
    </div>
  );
}

/** A change that holds whatever the other cases are: after a 412 it is made once more, on what is stored now. */
async function overwritten(agent: string, stored: Stored, change: (cases: Case[]) => Case[]): Promise<Stored> {
  try {
    return await putCases(agent, stored, change);
  } catch (error) {
    if (asProblem(error).status !== 412) throw error;
    return putCases(agent, await getCases(agent), change);
  }
}

function Cases({ cases, edit, remove }: { cases: Case[]; edit: (id: string) => void; remove: (one: Case) => void }) {
  const phrases = (list: string[] | undefined) => (list?.length ? <span dir="auto">{list.map((one) => `“${one}”`).join(", ")}</span> : <span class="muted">–</span>);
  const columns: Column<Case>[] = [
    { id: "question", head: "Question", card: "title", cell: (one) => <span dir="auto">{one.question}</span> },
    { id: "must", head: "Must say", card: "detail", cell: (one) => phrases(one.must) },
    { id: "must_not", head: "Must not say", card: "detail", cell: (one) => phrases(one.must_not) },
    { id: "source", head: "Source", card: "detail", cell: (one) => (one.source ? <span dir="auto">{one.source}</span> : <span class="muted">–</span>) },
    { id: "hand_off", head: "Hand-off", card: "detail", cell: (one) => (one.hand_off === true ? "Must" : one.hand_off === false ? "Must not" : <span class="muted">Either</span>) },
    {
      id: "acts",
      head: <span class="hidden">Actions</span>,
      card: "status",
      cell: (one) =>
        may("member") && (
          <span class="acts">
            <Button kind="quiet" icon="edit" label={`Change ${one.question.slice(0, 60)}`} onClick={() => edit(one.id)} />
            <Button kind="quiet" icon="trash" label={`Delete ${one.question.slice(0, 60)}`} onClick={() => remove(one)} />
          </span>
        ),
    },
  ];
  return <Table label="Test cases" columns={columns} items={cases} keyOf={(one) => one.id} />;
}

function RunCard({ shown, runner, last }: { shown: Shown; runner: ReturnType<typeof useRun>; last: Schemas["ListedRun"] | undefined }) {
  const { running, problem } = runner;
  return (
    <Card
      title="Run them"
      aside={
        shown.up_to_date ? (
          shown.failing ? (
            <Badge tone="danger">{shown.failing} failing on this draft</Badge>
          ) : (
            <Badge tone="success">This draft passes</Badge>
          )
        ) : (
          <Badge tone="warning">Not run on this draft</Badge>
        )
      }
    >
      {running ? (
        <Progress running={running} stop={runner.stop} />
      ) : (
        <>
          <p>
            {plural(shown.cases.length, "case")}{shown.turns > shown.cases.length && " on draft and published version"}: {plural(shown.turns, "turn")}, charged like any other
            {shown.highest ? `, at most ${fine(shown.highest)} in all` : ""}.{last && last.state !== "running" && last.state !== "lost" && ` The last run took ${fine(last.charge)}.`}
          </p>
          {may("member") && (
            <div class="row">
              <Button kind="primary" icon="next" onClick={runner.start}>
                Run {plural(shown.cases.length, "case")}
              </Button>
            </div>
          )}
        </>
      )}
      {problem && (
        <ErrorNote
          problem={problem}
          retry={runner.start}
          {...(problem.status === 0 ? { safe: "If it ran on in the meantime, Try again shows what it gave and charges nothing twice." } : {})}
        />
      )}
    </Card>
  );
}

function Progress({ running, stop }: { running: Running; stop: () => void }) {
  const done = running.results.length;
  const failed = running.results.filter((one) => one.outcome === "failed").length;
  return (
    <div class="stack tight">
      <div class="row between">
        <span role="status">{running.turns === undefined ? "Beginning" : `${done} of ${running.turns} turns${failed ? `, ${failed} failed` : ""}`}</span>
        {running.highest && <span class="muted number">At most {fine(running.highest)}</span>}
      </div>
      <Bar plain label="Turns that are done" share={running.turns ? done / running.turns : 0} />
      <div class="row">
        <Button icon="close" onClick={stop}>
          Stop the run
        </Button>
        <span class="muted">What has been asked by then is charged.</span>
      </div>
    </div>
  );
}

function OneRun({ agent, run, cases }: { agent: string; run: string; cases: Case[] }) {
  const found = useResource("/api/agents/{agent}/checks/runs/{run}", { path: { agent, run } });
  return (
    <section class="stack" aria-label="Results">
      <h2>What it gave</h2>
      <Loaded from={found} lines={6}>
        {(data) => (data.state === "running" ? <Note>This run is still going, from another window or person.</Note> : <Results run={data} cases={cases} />)}
      </Loaded>
    </section>
  );
}

function Earlier({ agent, runs, current }: { agent: string; runs: Schemas["ListedRun"][]; current: string | undefined }) {
  const passed = (run: Schemas["ListedRun"], version: "draft" | "published") => {
    const one = run.versions.find((found) => found.version === version);
    return one ? `${one.passed} of ${one.passed + one.failed + one.not_run}` : "–";
  };
  const columns: Column<Schemas["ListedRun"]>[] = [
    { id: "at", head: "Run", card: "title", cell: (run) => <a href={to(withQuery(`/agents/${agent}`, { tab: "checks", run: run.id }))}>{when(run.started_at)}</a> },
    { id: "state", head: "State", card: "status", cell: (run) => <State of={run.state} /> },
    { id: "draft", head: "Draft passed", card: "figure", number: true, cell: (run) => passed(run, "draft") },
    { id: "published", head: "Published passed", card: "figure", number: true, cell: (run) => passed(run, "published") },
    { id: "charge", head: "Charge", card: "figure", number: true, cell: (run) => fine(run.charge) },
  ];
  return (
    <Card title="Earlier runs" aside={<span class="muted">The latest 20, kept for 90 days</span>}>
      <Table label="Earlier runs" columns={columns} items={runs} keyOf={(run) => run.id} current={current} />
    </Card>
  );
}
