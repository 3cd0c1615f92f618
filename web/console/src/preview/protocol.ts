/** What a page and its frames with the widget say to each other. */

export type PreviewState = "closed" | "open" | "answer" | "hand_off" | "offline" | "error" | "away";

/** From the designer to a frame, once. */
export interface Show {
  type: "show";
  /** The public file of the unsaved widget. */
  public: Record<string, unknown>;
  cdn: string;
  state: PreviewState;
  dark: boolean;
  /** The visitor's language. */
  locale: string;
  /** Where an agent answers: the number of the conversation. The page around the frame carries the calls. */
  live?: number;
}

/** From a frame to the page: a call of the chat. Its answer comes through the port that is sent along, as `Carried`. */
export interface Call {
  type: "call";
  method: string;
  path: string;
  /** The idempotency key. */
  key: string;
  body: string;
}

/** The answer's beginning, then its pieces, then null. The frame says "stop" when it wants no more. */
export type Carried = { status: number; type: string; retryAfter: number | null } | string | null;

/** From a frame to the designer: it can be told what to show, it shows it, it cannot, or its chat has a call. */
export type Told = { type: "ready" } | { type: "shown" } | { type: "failed"; reason: string } | Call;
