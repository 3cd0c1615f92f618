/** One conversation: what was said, what waits to be sent, and how a turn gets through a bad network. */

import { BROKEN, CallFailed, failureOf, refusal, watchdog } from "./api";
import type { Api, Watchdog } from "./api";
import type { Config } from "./config";
import { fields, json, list, text, webAddress } from "./parse";
import type { Fields } from "./parse";
import { retries } from "./retry";
import type { Step } from "./retry";
import { eventReader } from "./sse";
import type { Store } from "./storage";

export interface Source {
  readonly number: number;
  readonly title: string;
  /** Empty or a web address. */
  readonly url: string;
}

export interface Message {
  readonly from: "visitor" | "agent";
  /** Of a visitor's message: the idempotency key of its turn. */
  key: string;
  /** Of an agent's message: its id, once the turn is done. */
  id: string;
  text: string;
  state: "waiting" | "sending" | "streaming" | "done" | "cut" | "failed";
  sources: readonly Source[];
  actions: readonly string[];
  /** The key is to be kept when the visitor tries again. */
  sameKey: boolean;
}

export interface Notice {
  readonly kind: "offline" | "connecting" | "busy" | "away" | "error";
  /** Seconds left, for `busy`. */
  readonly seconds: number;
}

/** What a conversation needs from the page around it. */
export interface Surroundings {
  /** Resolves after so many milliseconds. */
  sleep(milliseconds: number): Promise<void>;
  /** Resolves at once while online, else when the connection is back. */
  online(): Promise<void>;
  isOnline(): boolean;
  newKey(): string;
  pageUrl(): string;
  /** Something in the conversation changed. */
  changed(): void;
  /** An answer is complete. */
  answered(message: Message): void;
}

function message(from: Message["from"], said: Partial<Message>): Message {
  return { from, key: "", id: "", text: "", state: "done", sources: [], actions: [], sameKey: true, ...said };
}

function sources(found: unknown): Source[] {
  return list(found)
    .map(fields)
    .map((one, at) => ({ number: Number(one["number"]) || at + 1, title: text(one["title"]), url: webAddress(one["url"]) }));
}

export interface Conversation {
  readonly messages: readonly Message[];
  /** What the visitor has to know besides the messages. */
  notice: Notice | null;
  /** Its id; empty before the first turn. */
  id(): string;
  /** Load what was said before and send what was left; silent when there is nothing or it cannot be had. */
  restore(): Promise<void>;
  /** Say something; it is kept until it is answered. */
  ask(said: string): void;
  /** Send a message again that failed. */
  retry(failed: Message): void;
  rate(message: string, rating: "up" | "down", comment: string): Promise<unknown>;
  /** Ask for a person. */
  handOff(note: string): Promise<unknown>;
  /** Rate all of it, 1 to 5. */
  stars(stars: number, comment: string): Promise<unknown>;
  /** Leave contact details. */
  lead(details: Details): Promise<unknown>;
  /** Begin anew: somebody else is here. */
  forget(): void;
}

export interface Details {
  name?: string;
  email?: string;
  phone?: string;
  /** The answers to the owner's own questions. */
  message?: string;
  /** What was agreed to, word for word. */
  consent: string;
}

export function openConversation(config: Config, api: Api, store: Store, around: Surroundings): Conversation {
  const messages: Message[] = [];
  let running = false;
  /** Of the attempt that runs. */
  let watch: Watchdog | undefined;

  const id = (): string => store.read().conversation;

  const changed = (): void => {
    const unsent = messages.filter((one) => one.key && one.state !== "done").map(({ key, text }) => ({ key, text }));
    store.write({ unsent });
    around.changed();
  };

  const tell = (kind: Notice["kind"] | "", seconds = 0): void => {
    self.notice = kind ? { kind, seconds } : null;
    changed();
  };

  const belong = (data: Fields): void => {
    const conversation = text(data["conversation_id"]);
    if (conversation) store.write({ conversation });
  };

  const earlier = async (): Promise<Message[]> => {
    if (!store.read().token) return [];
    const history = fields(await api.call("GET", "", null));
    belong(history);
    return list(history["messages"])
      .map(fields)
      .map((one) =>
        message(one["role"] === "visitor" ? "visitor" : "agent", {
          id: text(one["message_id"]),
          text: text(one["text"]),
          sources: sources(one["sources"]),
        }),
      );
  };

  const restore = async (): Promise<void> => {
    // A conversation that cannot be loaded is no reason to refuse a new message.
    const history = await earlier().catch((): Message[] => []);
    // What waits is looked up only now: meanwhile somebody else may have come.
    const { unsent } = store.read();
    const last = history.filter((one) => one.from === "visitor").at(-1)?.text;
    for (const { key, text } of unsent) {
      // One that was answered after its page was left is in the history already.
      const known = text === last || messages.some((one) => one.key === key);
      if (!known) history.push(message("visitor", { key, text, state: "waiting" }));
    }
    // The visitor may have written already while this was loading.
    messages.unshift(...history);
    changed();
    await run();
  };

  const run = async (): Promise<void> => {
    if (running) return;
    running = true;
    let next: Message | undefined;
    while ((next = messages.find((one) => one.state === "waiting"))) {
      await turn(next);
      // Its visitor has gone, and what the next one says is sent by a run of its own.
      if (!messages.includes(next)) return;
    }
    running = false;
  };

  /** See a message through; without effect from the moment on when it is forgotten. */
  const turn = async (asked: Message): Promise<void> => {
    const answer = message("agent", { state: "streaming" });
    const after = retries();
    let step: Step | null = null;
    for (;;) {
      if (!around.isOnline()) {
        tell("offline");
        await around.online();
      }
      if (!messages.includes(asked)) return;
      asked.state = "sending";
      tell(step?.kind === "again" && step.notice === "connecting" ? "connecting" : "");
      try {
        if (step?.kind === "renew") await api.renew();
        await attempt(asked, answer);
        asked.state = "done";
        tell("");
        around.answered(answer);
        return;
      } catch (error) {
        if (!messages.includes(asked)) return;
        if (!around.isOnline()) continue;
        const failure = failureOf(error);
        if (failure.kind === "refused" && failure.status === 404 && id()) {
          // The conversation was erased or has ended: the message begins a new one.
          store.write({ conversation: "" });
          step = null;
          continue;
        }
        step = after(failure);
      }
      if (step.kind === "away" || step.kind === "fail") {
        asked.state = "failed";
        asked.sameKey = step.kind === "fail" && step.sameKey;
        if (messages.includes(answer)) messages.splice(messages.indexOf(answer), 1);
        tell(step.kind === "away" ? "away" : "error");
        return;
      }
      if (step.kind === "again") await wait(asked, step.after, step.notice);
    }
  };

  const wait = async (asked: Message, seconds: number, notice: "connecting" | "busy" | ""): Promise<void> => {
    if (notice === "busy") {
      for (let left = Math.ceil(seconds); left > 0 && messages.includes(asked); left -= 1) {
        tell(notice, left);
        await around.sleep(1000);
      }
    } else {
      if (notice) tell(notice);
      // A little chance spreads the visitors of a page over time after an outage.
      await around.sleep(seconds * (notice ? 750 + Math.random() * 500 : 1000));
    }
  };

  /** Send once and read the whole answer into `answer`; throws CallFailed, or what a broken stream throws. */
  const attempt = async (asked: Message, answer: Message): Promise<void> => {
    const mine = (watch = watchdog());
    let said = "";
    let over = false;

    const take = (name: string, data: Fields): void => {
      belong(data);
      // The turn runs: its answer takes its place behind the question.
      if (/start|delta/.test(name) && !messages.includes(answer)) {
        messages.splice(messages.indexOf(asked) + 1, 0, answer);
        self.notice = null;
      }
      if (name === "delta") {
        said += text(data["text"]);
        // A resumed turn tells its answer from the start: what is on the screen stays until there is more.
        if (!answer.text.startsWith(said)) answer.text = said;
      }
      if (name === "sources") answer.sources = sources(data["sources"]);
      if (name === "action") answer.actions = [...answer.actions, text(data["type"])];
      if (name === "error") throw new CallFailed({ ...refusal(data, 500), streamed: true });
      if (name === "done") {
        over = true;
        answer.text = said;
        answer.id = text(data["message_id"]);
        answer.state = data["outcome"] === "interrupted" ? "cut" : "done";
      }
    };

    const body = { message: asked.text, ...which(), locale: config.locale, page_url: around.pageUrl() };
    const response = await api.turn(asked.key, body, mine);
    try {
      if (response.body && response.headers.get("Content-Type")?.includes("event-stream")) {
        const reader = response.body.getReader();
        const decoder = new TextDecoder();
        const events = eventReader();
        while (!over) {
          const { done, value } = await reader.read();
          if (done) throw new CallFailed(BROKEN);
          mine.heard();
          for (const { name, data } of events(decoder.decode(value, { stream: true }))) take(name, fields(json(data)));
          around.changed();
        }
      } else {
        const whole = fields(json(await response.text()));
        const message = fields(whole["message"]);
        if (!message["text"]) throw new CallFailed(BROKEN);
        take("delta", message);
        take("sources", whole);
        for (const action of list(whole["actions"])) take("action", fields(action));
        take("done", { ...whole, ...message });
      }
    } finally {
      mine.stop();
    }
  };

  const which = (): { conversation_id?: string } => (id() ? { conversation_id: id() } : {});

  const post = (path: string, body: object): Promise<unknown> => api.call("POST", path, body, around.newKey());

  const self: Conversation = {
    messages,
    notice: null,
    id,
    restore,
    ask(said) {
      messages.push(message("visitor", { key: around.newKey(), text: said, state: "waiting" }));
      changed();
      void run();
    },
    retry(failed) {
      if (!failed.sameKey) failed.key = around.newKey();
      failed.state = "waiting";
      changed();
      void run();
    },
    rate: (rated, rating, comment) =>
      post("/feedback", { message_id: rated, rating, ...(comment ? { comment } : {}) }),
    handOff: (note) => post("/hand-off", { ...which(), ...(note ? { note } : {}) }),
    stars: (stars, comment) => post("/feedback", { stars, ...(comment ? { comment } : {}) }),
    lead: (details) => post("/lead", details),
    forget() {
      watch?.stop();
      running = false;
      messages.length = 0;
      self.notice = null;
      changed();
    },
  };
  return self;
}
