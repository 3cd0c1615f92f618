/** Speaks to the platform: the visitor's session and the calls of a conversation. */

import type { Config } from "./config";
import { fields, json, text } from "./parse";
import type { Failure, Refusal } from "./retry";
import type { Store } from "./storage";

/** What stopped a call, in the terms of retry.ts; everybody who calls catches it, so it needs no Error's stack. */
export class CallFailed {
  constructor(readonly failure: Failure) {}
}

export const BROKEN: Failure = { kind: "broken" };

/** What stopped a call that threw `error`. */
export function failureOf(error: unknown): Failure {
  return error instanceof CallFailed ? error.failure : BROKEN;
}

const EARLY_MS = 300_000;
/** The server sends a heartbeat every 15 s; more than twice that in silence is a dead connection. */
const SILENCE_MS = 40_000;

export interface Watchdog {
  readonly signal: AbortSignal;
  heard(): void;
  stop(): void;
}

/** Aborts its request when nothing was heard for SILENCE_MS. */
export function watchdog(): Watchdog {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const abort = (): void => controller.abort();
  return {
    signal: controller.signal,
    heard() {
      clearTimeout(timer);
      timer = setTimeout(abort, SILENCE_MS);
    },
    stop() {
      clearTimeout(timer);
      // What is still to come, nobody reads.
      abort();
    },
  };
}

/** The refusal that a problem document (RFC 9457) describes; `status` where it names none. */
export function refusal(problem: unknown, status: number, header: string | null = null): Refusal {
  const said = fields(problem);
  const seconds = Number(header ?? said["retry_after"]);
  return {
    kind: "refused",
    status: Number(said["status"]) || status,
    code: text(said["code"]),
    ...(seconds >= 0 ? { retryAfter: seconds } : {}),
  };
}

export interface Api {
  /** A token that is good for some minutes more; asks for a session where there is none. */
  token(): Promise<string>;
  /** A new token, by showing the old one where there is one; callers at the same time share one request. */
  renew(): Promise<string>;
  /** One attempt of a turn; its answer is read by the caller, who keeps `watch` fed and stops it. */
  turn(key: string, body: unknown, watch: Watchdog): Promise<Response>;
  /** A call beside the turns; renews the session once when the first try fails. */
  call(method: string, path: string, body: unknown, key?: string): Promise<unknown>;
}

/**
 * The platform as `config` names it; `identity` is the site's word for its visitor, if any. Every call throws CallFailed
 * and nothing else, also when the store belongs to somebody else by the time it is answered.
 */
export function openApi(
  config: Config,
  store: Store,
  request: typeof fetch,
  now: () => number,
  identity: () => string = () => "",
): Api {
  let renewal: Promise<string> | null = null;

  const send = async <Read>(
    method: string,
    url: string,
    token: string,
    body: unknown,
    watch: Watchdog,
    headers: Readonly<Record<string, string>>,
    read: (response: Response) => Read | Promise<Read>,
  ): Promise<Read> => {
    watch.heard();
    try {
      const response = await request(url, {
        method,
        headers: {
          "Content-Type": "application/json",
          ...(token ? { Authorization: `Bearer ${token}` } : {}),
          ...headers,
        },
        body: body ? JSON.stringify(body) : null,
        signal: watch.signal,
      });
      if (response.ok) return await read(response);
      throw new CallFailed(refusal(json(await response.text()), response.status, response.headers.get("Retry-After")));
    } catch (error) {
      watch.stop();
      throw new CallFailed(failureOf(error));
    }
  };

  const exchange = async (method: string, url: string, token: string, body: unknown, key = ""): Promise<unknown> => {
    const watch = watchdog();
    const { who } = store.read();
    const answer = await send(method, url, token, body, watch, key ? { "Idempotency-Key": key } : {}, (r) => r.text());
    watch.stop();
    if (store.read().who !== who) throw new CallFailed(BROKEN);
    return json(answer);
  };

  const session = async (): Promise<string> => {
    const url = `${config.apiUrl}/api/widgets/${config.widget}/sessions`;
    const { token: old, who } = store.read();
    const signed = identity();
    const named = signed ? { identity: signed } : {};
    let answer: unknown;
    try {
      answer = await exchange("POST", url, old, named);
    } catch (error) {
      const failure = failureOf(error);
      if (!old || store.read().who !== who || failure.kind !== "refused" || ![400, 401, 404, 422].includes(failure.status)) throw error;
      // The old session is over for good; its conversation belonged to it, the visitor remains the same.
      store.write({ token: "", conversation: "" });
      answer = await exchange("POST", url, "", { visitor: old, ...named });
    }
    const { token, expires_at: expires } = fields(answer);
    store.write({ token: text(token), expires: text(expires) });
    return text(token);
  };

  const renew = (): Promise<string> => {
    renewal ??= session().finally(() => {
      renewal = null;
    });
    return renewal;
  };

  const token = async (): Promise<string> => {
    const saved = store.read();
    return saved.token && Date.parse(saved.expires) - now() > EARLY_MS ? saved.token : renew();
  };

  const chat = `${config.chatUrl}/api/chat`;
  return {
    token,
    renew,
    async turn(key, body, watch) {
      const headers = { "Idempotency-Key": key, Accept: "text/event-stream" };
      return send("POST", chat, await token(), body, watch, headers, (response) => response);
    },
    async call(method, path, body, key) {
      const { who } = store.read();
      const once = (good: string): Promise<unknown> => exchange(method, chat + path, good, body, key);
      const good = await token();
      try {
        return await once(good);
      } catch (error) {
        const failure = failureOf(error);
        // What was said by one visitor is not sent again in the session of another.
        if (store.read().who !== who || (failure.kind === "refused" && failure.status !== 401)) throw error;
        return once(await renew());
      }
    },
  };
}
