/** Many agents at once: the bar over the list, what it would do (dry run), what it did, and Retry for what failed. */

import { useEffect, useRef, useState } from "preact/hooks";
import { call, type Loose, newKey, type Schemas } from "../../api/client";
import { asProblem, type Problem } from "../../api/problem";
import { useAction, useHere } from "../../api/resource";
import { plural } from "../../format";
import { Badge, Button, Skeleton } from "../../parts/basics";
import { Dialog, Menu, toast } from "../../parts/dialog";
import { Field, Input } from "../../parts/fields";
import { ErrorNote } from "../../parts/problem";
import { may } from "../../session/session";

type Asked = Loose<Schemas["Bulk"]>;
type Answered = Schemas["BulkAnswer"];
type Action = Exclude<Schemas["Bulk"]["action"], "export">;

export interface BulkProps {
  ids: string[];
  /** True: all that fit the filter, also what is not loaded. */
  all: boolean;
  filter: Schemas["Conditions"];
  /** Whether there is more than what is loaded. */
  more: boolean;
  selectAll: () => void;
  clear: () => void;
  done: () => Promise<void>;
  /** The status of an agent as it is listed; undefined for what is not loaded. */
  statusOf: (id: string) => Status | undefined;
}

type Status = Schemas["FleetAgent"]["status"];
type StatusOf = BulkProps["statusOf"];

interface Words {
  button: string;
  /** "paused", as in "12 agents will be paused". */
  past: string;
  undo?: Undo;
}

/** What takes it back from these agents, step by step; nothing when that cannot be told of all of them. */
type Undo = (ids: string[], before: StatusOf) => { action: Action; ids: string[] }[];
const by = (action: Action): Undo => (ids) => [{ action, ids }];

/** Out of the archive agents come paused: those that answered have one step more to go. */
const unarchive: Undo = (ids, before) => (ids.every(before) ? [{ action: "disable", ids }, { action: "enable", ids: ids.filter((id) => before(id) === "active") }] : []);

const WORDS: Record<Action, Words> = {
  enable: { button: "Activate", past: "activated", undo: by("disable") },
  disable: { button: "Pause", past: "paused", undo: by("enable") },
  archive: { button: "Archive", past: "archived", undo: unarchive },
  restore: { button: "Restore", past: "restored" },
  delete: { button: "Delete", past: "deleted", undo: by("restore") },
  tag: { button: "Add tag", past: "tagged", undo: by("untag") },
  untag: { button: "Remove tag", past: "freed of the tag", undo: by("tag") },
};

export function Bulk({ ids, all, filter, more, selectAll, clear, done, statusOf }: BulkProps) {
  const [action, setAction] = useState<Action>();
  const item = (of: Action, danger = false) => ({ label: `${WORDS[of].button}${of === "tag" || of === "untag" ? "…" : ""}`, danger, onSelect: () => setAction(of) });
  return (
    <div class="bulk" role="region" aria-label="Selected agents">
      <span class="grow" role="status">
        {all ? `All that match are selected (${ids.length}${more ? " shown, and the rest" : ""})` : `${ids.length} selected`}
      </span>
      <div class="row">
        {!all && (
          <Button kind="quiet" onClick={selectAll}>
            Select all that match
          </Button>
        )}
        <Button kind="quiet" onClick={clear}>
          Clear
        </Button>
        {filter.deleted ? (
          may("admin") && <Button onClick={() => setAction("restore")}>Restore</Button>
        ) : (
          <>
            <Button onClick={() => setAction("enable")}>Activate</Button>
            <Button onClick={() => setAction("disable")}>Pause</Button>
            <Menu label="More for the selected" items={[item("archive"), item("tag"), item("untag"), may("admin") && item("delete", true)]} />
          </>
        )}
      </div>
      {action && <Act action={action} whom={all ? { filter } : { ids }} onClose={() => setAction(undefined)} done={done} statusOf={statusOf} />}
    </div>
  );
}

type Whom = Pick<Asked, "ids"> | Pick<Asked, "filter">;

function Act({ action, whom, onClose, done, statusOf }: Pick<BulkProps, "done" | "statusOf"> & { action: Action; whom: Whom; onClose: () => void }) {
  const words = WORDS[action];
  const tagging = action === "tag" || action === "untag";
  const [tag, setTag] = useState("");
  const [key, setKey] = useState(newKey);
  const [would, setWould] = useState<Answered>();
  const [problem, setProblem] = useState<Problem>();
  const [did, setDid] = useState<Answered>();
  const ready = !tagging || Boolean(tag.trim());
  const asked = (more: Partial<Asked> = {}): Asked => ({ action, ...whom, ...(tagging ? { tags: [tag.trim()] } : {}), ...more });

  useEffect(() => {
    setWould(undefined);
    setProblem(undefined);
    if (!ready) return;
    const stop = new AbortController();
    const timer = setTimeout(
      async () => {
        try {
          setWould((await call("post", "/api/my-agents/bulk", { body: asked({ dry_run: true }), signal: stop.signal })).data);
        } catch (error) {
          if (!stop.signal.aborted) setProblem(asProblem(error));
        }
      },
      tagging ? 300 : 0,
    );
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [tag]);

  // Whom the last try was for: another try is for the same, not for all.
  const last = useRef<string[] | undefined>(undefined);
  const here = useHere();
  const doing = useAction(async (retried?: string[]) => {
    last.current = retried;
    const { data } = await call("post", "/api/my-agents/bulk", { body: retried ? asked({ ids: retried, filter: null }) : asked(), key });
    setKey(newKey());
    // What was done in an earlier try stays in the sum, so that the dialog tells of all of them.
    const before = retried ? (did?.outcomes.filter((one) => !retried.includes(one.agent_id)) ?? []) : [];
    const outcomes = [...before, ...data.outcomes];
    const succeeded = outcomes.filter((one) => one.outcome === "done").map((one) => one.agent_id);
    const number = (of: Schemas["Outcome"]["outcome"]) => outcomes.filter((one) => one.outcome === of).length;
    const sum = { ...data, outcomes, done: number("done"), unchanged: number("unchanged"), refused: number("refused"), failed: number("failed") };
    setDid(sum);
    const back = (words.undo?.(succeeded, statusOf) ?? []).filter((step) => step.ids.length && (step.action !== "restore" || may("admin")));
    if (sum.refused + sum.failed === 0) {
      if (here()) onClose();
      toast(
        `${plural(sum.done, "agent")} ${words.past}`,
        back.length
          ? async () => {
              for (const step of back) await call("post", "/api/my-agents/bulk", { body: { ...step, ...(tagging ? { tags: [tag.trim()] } : {}) }, key: newKey() });
              await done();
            }
          : undefined,
      );
      await done();
    }
  });

  const failed = did?.outcomes.filter((one) => one.outcome === "failed").map((one) => one.agent_id) ?? [];
  const close = () => {
    onClose();
    if (did) void done();
  };
  return (
    <Dialog
      title={did ? `${words.button}: what happened` : `${words.button}${would ? ` ${tagging ? "on " : ""}${plural(would.done, "agent")}` : ""}`}
      onClose={close}
      footer={
        did ? (
          <>
            {failed.length > 0 && (
              <Button icon="refresh" busy={doing.busy} onClick={() => void doing.run(failed)}>
                Retry failed
              </Button>
            )}
            <Button kind="primary" onClick={close}>
              Close
            </Button>
          </>
        ) : (
          <>
            <Button onClick={onClose}>Cancel</Button>
            <Button kind={action === "delete" ? "danger" : "primary"} busy={doing.busy} disabled={!would ? "First it is counted" : would.done === 0 && "Nothing would change"} onClick={() => void doing.run()}>
              {would ? `${words.button} ${tagging ? `on ${plural(would.done, "agent")}` : plural(would.done, "agent")}` : words.button}
            </Button>
          </>
        )
      }
    >
      {tagging && !did && (
        <Field label="Tag" hint="Up to 40 characters; an agent has at most 20 tags.">
          <Input value={tag} onInput={setTag} maxLength={40} autoFocus />
        </Field>
      )}
      {problem && <ErrorNote problem={problem} />}
      {doing.problem && <ErrorNote problem={doing.problem} retry={() => doing.run(last.current)} />}
      {!did && ready && !would && !problem && <Skeleton lines={2} />}
      {(did ?? would) && <Told answer={(did ?? would)!} words={words} />}
      {!did && would && action === "delete" && would.done > 0 && <p>They stop answering at once and can be restored for 30 days.</p>}
      {!did && would && action === "disable" && would.done > 0 && <p>New turns stop at once; nothing is lost.</p>}
    </Dialog>
  );
}

function Told({ answer, words }: { answer: Answered; words: Words }) {
  const { dry_run: dry } = answer;
  const troubled = answer.outcomes.filter((one) => one.outcome === "refused" || one.outcome === "failed");
  return (
    <div class="stack tight">
      <ul class="stack tight">
        <li>
          <strong>{plural(answer.done, "agent")}</strong> {dry ? "will be" : answer.done === 1 ? "was" : "were"} {words.past}.
        </li>
        {answer.unchanged > 0 && <li>{plural(answer.unchanged, "agent")} {answer.unchanged === 1 ? "needs" : "need"} no change.</li>}
        {answer.refused > 0 && <li>{plural(answer.refused, "agent")} cannot be {words.past}.</li>}
        {answer.failed > 0 && <li>{plural(answer.failed, "agent")} failed for now.</li>}
      </ul>
      {troubled.length > 0 && (
        <ul class="outcomes" aria-label="Not changed">
          {troubled.slice(0, 100).map((one) => (
            <li key={one.agent_id}>
              <span class="break" dir="auto">
                {one.name || one.agent_id}
              </span>
              <Badge tone={one.outcome === "failed" ? "danger" : "warning"}>{one.outcome === "failed" ? "Failed" : "Refused"}</Badge>
              <span class="muted break">{one.detail}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
