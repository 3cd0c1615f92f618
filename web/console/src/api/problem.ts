/** What went wrong, as every page shows it: RFC 9457 from the API, and the same shape for what never reached it. */

export interface Fault {
  pointer?: string;
  message?: string;
}

export class Problem extends Error {
  override name = "Problem";

  constructor(
    /** HTTP status; 0 when there was no answer. */
    readonly status: number,
    /** Stable, for programs; `offline` when there was no answer. */
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly requestId: string = "",
    readonly errors: Fault[] = [],
    /** Seconds until another try makes sense, where the server said so. */
    readonly retryAfter: number | null = null,
  ) {
    super(detail || title);
  }

  /** The first message for a field, by its JSON pointer (`/name`), or for anything below it. */
  at(pointer: string): string | undefined {
    const found = this.errors.find((one) => one.pointer === pointer) ?? this.errors.find((one) => one.pointer?.startsWith(`${pointer}/`));
    return found?.message;
  }
}

/** The problem in an answer that is not 2xx; the gateway's own errors are `{code, message}`. */
export function problemOf(response: Response, body: unknown): Problem {
  const given = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const text = (name: string) => (typeof given[name] === "string" ? given[name] : "");
  const wait = Number(response.headers.get("Retry-After"));
  return new Problem(
    response.status,
    text("code") || `http_${response.status}`,
    text("title") || TITLES[response.status] || "Something went wrong",
    text("detail") || text("message"),
    text("request_id") || response.headers.get("X-Request-ID") || "",
    Array.isArray(given.errors) ? (given.errors as Fault[]) : [],
    response.headers.has("Retry-After") && Number.isFinite(wait) ? wait : null,
  );
}

const TITLES: Record<number, string> = {
  401: "You are signed out",
  403: "You may not do this",
  404: "Not found",
  412: "Somebody else changed this",
  429: "Too many requests",
  503: "Not available just now",
  504: "The answer took too long",
};

/** No answer came; of a change that was sent nobody knows then whether it was made. */
export const offline = (method = "GET"): Problem =>
  new Problem(0, "offline", "No connection", `AgentHub could not be reached.${method === "GET" ? "" : " It is not known whether the change was made; trying again makes it once."}`);

/** Somebody changed a thing after it was shown, by its ETag, or in a list, which carries none, by what was seen of it. */
export const changedSince = (): Problem => new Problem(412, "changed", TITLES[412]!, "It is shown as it is now. Go on if you still want it.");

/**
 * Makes a change of what is shown; where it is another by now (412), `reread` shows that first and the person is told, so that
 * the next try goes over what was read.
 */
export async function asShown<T>(change: () => Promise<T>, reread: () => Promise<unknown>): Promise<T> {
  try {
    return await change();
  } catch (error) {
    if (asProblem(error).status !== 412) throw error;
    await reread();
    throw changedSince();
  }
}

/** Any thrown thing as a problem: a mistake of our own must not look like one of the server's. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem(0, "unexpected", "Something went wrong in this page", error instanceof Error ? error.message : String(error));
}
