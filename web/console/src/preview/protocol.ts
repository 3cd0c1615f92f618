/** What the designer and its preview frames say to each other. */

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
}

/** From a frame to the designer: it can be told what to show, it shows it, or it cannot. */
export type Told = { type: "ready" } | { type: "shown" } | { type: "failed"; reason: string };
