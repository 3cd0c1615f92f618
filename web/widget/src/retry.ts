/** Decides what happens after an attempt of a turn failed; touches nothing, so that every case can be tested. */

/** The server said no: by its status, or by an error event after the turn had begun. */
export interface Refusal {
  readonly kind: "refused";
  readonly status: number;
  readonly code: string;
  /** Seconds, when the server named them. */
  readonly retryAfter?: number;
  readonly streamed?: boolean;
}

/** How an attempt ended without its answer; `broken`: no connection, half a stream, or what the browser hides. */
export type Failure = { readonly kind: "broken" } | Refusal;

export type Step =
  /** Send it again with the same key after so many seconds; `notice` says what the visitor sees meanwhile. */
  | { readonly kind: "again"; readonly after: number; readonly notice: "connecting" | "busy" | "" }
  /** Renew the session first, then send it again at once. */
  | { readonly kind: "renew" }
  /** Nobody is at home: cap reached or paused. Trying later is a new turn. */
  | { readonly kind: "away" }
  /** Give up; the visitor may try again, with the same key when the turn might have run. */
  | { readonly kind: "fail"; readonly sameKey: boolean };

const MOST_BROKEN = 6;
const MOST_REFUSED = 4;
const MOST_RUNNING = 90;

/** What to do after each failure of one turn, in the order in which they come. */
export function retries(): (failure: Failure) => Step {
  let broken = 0;
  let refused = 0;
  let running = 0;
  let renewed = false;

  const renew = (): Step => {
    renewed = true;
    return { kind: "renew" };
  };
  const again = (after: number, notice: "connecting" | "busy" | ""): Step => ({ kind: "again", after, notice });
  const backOff = (count: number): number => Math.min(2 ** (count - 1), 16);

  return (failure) => {
    if (failure.kind === "broken") {
      // A gateway's own 401 has no CORS headers, so the browser shows it as no answer at all: one renewal is worth it.
      if (!renewed) return renew();
      broken += 1;
      return broken > MOST_BROKEN ? { kind: "fail", sameKey: true } : again(backOff(broken), "connecting");
    }
    const { status, code, retryAfter, streamed } = failure;
    if (status === 402 || code === "agent_paused" || code === "workspace_suspended") return { kind: "away" };
    // The turn has ended with this error and its key would only bring the same error back.
    if (streamed) return { kind: "fail", sameKey: false };
    if (status === 401 && !renewed) return renew();
    if (code === "turn_in_progress") {
      running += 1;
      if (running <= MOST_RUNNING) return again(retryAfter ?? 1, "");
    }
    if (status === 429 || status >= 500) {
      refused += 1;
      if (refused <= MOST_REFUSED) {
        return status === 429 ? again(retryAfter ?? 10, "busy") : again(retryAfter ?? backOff(refused), "connecting");
      }
    }
    return { kind: "fail", sameKey: status >= 500 || status === 409 };
  };
}
