/** What a run gave: draft and published version side by side, in sum and case by case. */

import type { Schemas } from "../../api/client";
import { duration, fine, plural, when } from "../../format";
import { Badge, Card, Facts, Note, State } from "../../parts/basics";
import { to } from "../../routing";
import type { Case } from "./CaseDialog";
import type { Result } from "./run";

type Run = Schemas["ShownRun"];
type Version = Result["version"];
const NAMES: Record<Version, string> = { draft: "Draft", published: "Published" };

const STOPPED: Record<string, string> = {
  cap_reached: "The cap was reached, so the rest did not run. Raise it under Billing.",
  workspace_suspended: "The workspace is suspended, so the rest did not run.",
  caller_left: "It was stopped; what had been asked is charged.",
  deadline: "The time was up before every case had run. Run it again, or with fewer cases.",
};

const LOST = "Its server broke off, so there are no results. Run it again.";

/** The middle latency of the answers; nothing without any. */
function middle(results: Result[]): number | null {
  const known = results.flatMap((one) => (one.latency_ms === null ? [] : [one.latency_ms])).sort((a, b) => a - b);
  return known[Math.floor(known.length / 2)] ?? null;
}

export function Results({ run, cases }: { run: Run; cases: Case[] }) {
  const versions = run.versions.map((one) => one.version);
  const known = new Map(cases.map((one) => [one.id, one]));
  const ids = [...new Set(run.results.map((one) => one.case_id))];
  return (
    <div class="stack">
      {run.changed_meanwhile && <Note tone="warning">Something was changed while it ran, so it says nothing about the present draft.</Note>}
      {run.stopped_by && <Note tone="warning">{STOPPED[run.stopped_by]}</Note>}
      {run.state === "lost" && <Note tone="danger">{LOST}</Note>}
      <div class="sides">
        {run.versions.map((one) => (
          <Card key={one.version} level={3} title={NAMES[one.version]} aside={<Sum of={one} />}>
            <Facts
              of={[
                ["Passed", `${one.passed} of ${one.passed + one.failed + one.not_run}`],
                ["Charge", fine(one.charge)],
                ["Latency, middle", duration(middle(run.results.filter((result) => result.version === one.version)))],
              ]}
            />
          </Card>
        ))}
        {versions.length === 1 && (
          <Card level={3} title="Published">
            <p class="muted">Nothing was published when this ran, so there is nothing to compare with.</p>
          </Card>
        )}
      </div>
      <ul class="stack">
        {ids.map((id) => (
          <li key={id} class="card">
            <h3 class="break" dir="auto">
              {known.get(id)?.question ?? id}
            </h3>
            <div class="sides">
              {versions.map((version) => (
                <One key={version} version={version} result={run.results.find((one) => one.case_id === id && one.version === version)} />
              ))}
            </div>
          </li>
        ))}
      </ul>
      <p class="muted">
        Run {when(run.started_at)}, {plural(run.cases, "case")}, {fine(run.charge)} of at most {fine(run.highest)}.
      </p>
    </div>
  );
}

function Sum({ of: one }: { of: Schemas["ShownTotals"] }) {
  if (one.failed) return <Badge tone="danger">{one.failed} failed</Badge>;
  if (one.not_run) return <Badge tone="warning">{one.not_run} not run</Badge>;
  return <Badge tone="success">All passed</Badge>;
}

function One({ version, result }: { version: Version; result: Result | undefined }) {
  return (
    <div class="side stack tight">
      <div class="row between">
        <span class="label">{NAMES[version]}</span>
        <State of={result?.outcome ?? "not_run"} />
      </div>
      {result?.why.map((fault, i) => (
        <p key={i} class="why break">
          {wrong(fault)}
        </p>
      ))}
      {result?.code && <p class="why break">No answer: {result.code.replace(/_/g, " ")}.</p>}
      {result?.answer && (
        <p class="answer break" dir="auto">
          {result.answer}
        </p>
      )}
      {result && result.outcome !== "not_run" && (
        <p class="muted number facts-line">
          {[fine(result.charge), duration(result.latency_ms), result.sources.length > 0 && plural(result.sources.length, "source")].filter(Boolean).join(", ")}
          {result.conversation_id && (
            <>
              {" "}
              <a href={to(`/conversations/${result.conversation_id}`)}>Transcript</a>
            </>
          )}
        </p>
      )}
    </div>
  );
}

function wrong(fault: Schemas["Fault"]): string {
  if (fault.rule === "must") return `Does not say “${fault.expected}”.`;
  if (fault.rule === "must_not") return `Says “${fault.expected}”.`;
  if (fault.rule === "source") return `Does not name “${fault.expected}” as its source.`;
  return fault.expected === "true" ? "Does not hand off." : "Hands off.";
}
