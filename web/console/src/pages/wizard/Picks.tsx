/** One of several, each as a card: radios, so that arrows move and a screen reader counts them. */

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

export interface Pick {
  value: string;
  title: ComponentChildren;
  /** Beside the title: a badge or a price. */
  aside?: ComponentChildren;
  body?: ComponentChildren;
  /** Why it cannot be chosen. */
  disabled?: string | undefined;
}

export function Picks({ label, value, onChange, options, wide }: { label: string; value: string; onChange: (value: string) => void; options: Pick[]; wide?: boolean }) {
  const id = useId();
  return (
    <div class={`picks${wide ? " wide" : ""}`} role="radiogroup" aria-label={label}>
      {options.map((option) => (
        <label key={option.value} class={`pick${option.disabled ? " off" : ""}`}>
          <input
            type="radio"
            name={id}
            value={option.value}
            checked={option.value === value}
            disabled={Boolean(option.disabled)}
            aria-labelledby={`${id}${option.value}t`}
            aria-describedby={`${id}${option.value}b`}
            onChange={() => onChange(option.value)}
          />
          <span class="pick-head">
            <strong id={`${id}${option.value}t`} class="break">
              {option.title}
            </strong>
            {option.aside}
          </span>
          <span id={`${id}${option.value}b`} class="pick-body muted">
            {option.body}
            {option.disabled && <span class="block">{option.disabled}</span>}
          </span>
        </label>
      ))}
    </div>
  );
}
