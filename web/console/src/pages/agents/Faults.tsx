/** What is wrong in a YAML file, each with a button that leads to its line and column. */

import type { Fault } from "../../api/problem";
import { Icon } from "../../parts/icons";

interface Placed extends Fault {
  line?: number;
  column?: number;
}

export interface Found {
  line: number;
  column: number;
  message: string;
  pointer: string;
}

/** The faults of a problem with their places; the API counts both from 1. */
export const placed = (faults: readonly Placed[]): Found[] => faults.map((fault) => ({ line: fault.line ?? 1, column: fault.column ?? 1, message: fault.message ?? "", pointer: fault.pointer ?? "" }));

export function Faults({ faults, jump, warning = false }: { faults: readonly Placed[]; jump: (line: number, column: number) => void; warning?: boolean }) {
  return (
    <ul class="faults" aria-label={warning ? "Worth a look" : "Faults"}>
      {placed(faults).map((fault, i) => (
        <li key={i} class={warning ? "warning" : "danger"}>
          <Icon name={warning ? "warning" : "error"} size={16} />
          <span class="break">
            <button type="button" class="jump" onClick={() => jump(fault.line, fault.column)}>
              Line {fault.line}, column {fault.column}
            </button>
            {fault.pointer && <code> {fault.pointer}</code>}: {fault.message}
          </span>
        </li>
      ))}
    </ul>
  );
}
