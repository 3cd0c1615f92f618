/** Splits a stream of server-sent events into events, however the network cut it. */

export interface ServerEvent {
  readonly name: string;
  readonly data: string;
}

/**
 * A reader that is fed chunks of text and returns the events that each chunk completes.
 *
 * Line ends are LF or CR LF, also cut between the two; comments (heartbeats) give no event.
 */
export function eventReader(): (chunk: string) => ServerEvent[] {
  let rest = "";
  let name = "";
  let data: string[] = [];

  return (chunk) => {
    // A CR at the very end may be half of a CR LF: with its line it stays until more has come.
    const lines = (rest + chunk).split(/\r?\n/);
    rest = lines.pop() ?? "";
    const events: ServerEvent[] = [];
    for (const line of lines) {
      if (!line) {
        if (data.length) events.push({ name, data: data.join("\n") });
        name = "";
        data = [];
        continue;
      }
      const [, field, value = ""] = /^(\w+): ?(.*)$/.exec(line) ?? [];
      if (field === "event") name = value;
      if (field === "data") data.push(value);
    }
    return events;
  };
}
