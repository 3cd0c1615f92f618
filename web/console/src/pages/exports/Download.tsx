/** The button that fetches an export's file. */

import type { ComponentChildren } from "preact";
import { call, type Schemas } from "../../api/client";
import { useAction } from "../../api/resource";
import { Button } from "../../parts/basics";
import { ErrorNote } from "../../parts/problem";

/** The address is made anew with each press: it works for fifteen minutes, and who has it has the file. */
export function Download({ one, children }: { one: Schemas["Export"]; children?: ComponentChildren }) {
  const getting = useAction(async () => {
    const { data } = await call("get", "/api/exports/{export}", { path: { export: one.id } });
    if (!data.url) return;
    const link = document.createElement("a");
    link.href = data.url;
    link.download = data.file_name;
    link.rel = "noopener";
    link.click();
  });
  return (
    <>
      <Button icon="download" busy={getting.busy} onClick={() => void getting.run()}>
        Download<span class="hidden"> {one.file_name}</span>
        {children}
      </Button>
      {getting.problem && <ErrorNote problem={getting.problem} retry={() => getting.run()} />}
    </>
  );
}
