/** Deleting an item of knowledge as it was seen, and no other that somebody has put in its place. */

import { call, type Schemas } from "../../api/client";
import { changedSince } from "../../api/problem";

type Listed = Schemas["ListedItem"];

/** Lists carry no ETags: the item as it is now is compared with the one `seen`; `show` gets it when it is another. Throws Problem. */
export async function forgetItem(agent: string, seen: Listed, show: (now: Listed) => void): Promise<void> {
  const path = { agent, item: seen.id };
  const { data, etag } = await call("get", "/api/agents/{agent}/knowledge/{item}", { path });
  if (data.updated_at !== seen.updated_at) {
    show(data);
    throw changedSince();
  }
  await call("delete", "/api/agents/{agent}/knowledge/{item}", { path, etag });
}
