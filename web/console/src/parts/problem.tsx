/** How an error looks: in place, what happened, what is safe, what to do, and the id that support asks for. */

import { useEffect, useMemo, useReducer } from "preact/hooks";
import type { Problem } from "../api/problem";
import type { Resource } from "../api/resource";
import type { ComponentChildren } from "preact";
import { Button, Copy, Note, Skeleton } from "./basics";

/** Seconds that are left of Retry-After. */
export function useCountdown(problem: Problem | undefined): number {
  const until = useMemo(() => Date.now() + (problem?.retryAfter ?? 0) * 1000, [problem]);
  const [, redraw] = useReducer<number, void>((n) => n + 1, 0);
  const left = Math.max(0, Math.ceil((until - Date.now()) / 1000));
  useEffect(() => {
    if (!left) return;
    const timer = setInterval(redraw, 1000);
    return () => clearInterval(timer);
  }, [until, left > 0]);
  return left;
}

const SAFE: Record<number, string> = {
  402: "Raise the cap under Billing, or wait for the next month.",
  403: "Ask an owner or admin of this workspace if you need it.",
  404: "It may have been deleted, or it belongs to another workspace.",
  409: "Nothing was changed.",
  412: "Nothing was overwritten.",
  429: "Nothing was lost.",
};

/** `failed` says what did not work, where the place does not: "The change could not be undone". */
export function ErrorNote({ problem, retry, safe, failed, more }: { problem: Problem; retry?: (() => unknown) | undefined; safe?: string; failed?: string; more?: ComponentChildren }) {
  const left = useCountdown(problem);
  const advice = safe ?? SAFE[problem.status] ?? (problem.status >= 500 ? "Nothing is lost. It is usually over in a minute." : "");
  return (
    <Note tone={problem.status === 403 || problem.status === 402 ? "warning" : "danger"} title={failed ? `${failed}: ${problem.title}` : problem.title} role="alert">
      {problem.detail && problem.detail !== problem.title && <p>{problem.detail}</p>}
      {advice && <p class="muted">{advice}</p>}
      {!retry && left > 0 && (
        <p class="muted" aria-live="off">
          Try again in {left} s.
        </p>
      )}
      {(retry || more || problem.requestId) && (
        <div class="row">
          {retry && problem.status !== 403 && problem.status !== 404 && (
            <Button icon="refresh" onClick={() => void retry()} disabled={left > 0 && `Try again in ${left} s`}>
              {left > 0 ? `Try again in ${left} s` : "Try again"}
            </Button>
          )}
          {more}
          {problem.requestId && (
            <span class="row muted">
              <span class="label">Request {problem.requestId.slice(0, 16)}</span>
              <Copy text={problem.requestId} label="Copy id" />
            </span>
          )}
        </div>
      )}
    </Note>
  );
}

/** What a resource shows: waiting, its problem, or `children` with its data. Old data stay while new ones come. */
export function Loaded<T>({ from, children, lines = 3 }: { from: Resource<T>; children: (data: T) => ComponentChildren; lines?: number }) {
  if (from.data !== undefined)
    return (
      <>
        {from.problem && <ErrorNote problem={from.problem} retry={from.reload} safe="What you see is from before." />}
        {children(from.data)}
      </>
    );
  return from.problem ? <ErrorNote problem={from.problem} retry={from.reload} /> : <Skeleton lines={lines} />;
}
