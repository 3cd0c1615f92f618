/** Fields: a label above, a hint and the error below, tied together for screen readers. */

import { type ComponentChildren, createContext } from "preact";
import { useContext, useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon } from "./icons";

interface Tied {
  id: string;
  describedBy: string | undefined;
  invalid: boolean;
  required: boolean;
  pointer: string | undefined;
  onBlur?: (() => void) | undefined;
}

const Tie = createContext<Tied | null>(null);

export interface FieldProps {
  label: ComponentChildren;
  children: ComponentChildren;
  hint?: ComponentChildren;
  error?: string | undefined;
  optional?: boolean;
  /** JSON pointer of the field in the request: the form puts the server's errors here and the focus on the first. */
  pointer?: string;
  onBlur?: () => void;
  /** The label names a group, such as several checkboxes. */
  group?: boolean;
}

export function Field({ label, children, hint, error, optional, pointer, onBlur, group }: FieldProps) {
  const id = useId();
  const describedBy = [hint && `${id}h`, error && `${id}e`].filter(Boolean).join(" ") || undefined;
  const words = (
    <>
      {label}
      {optional && <span class="muted"> (optional)</span>}
    </>
  );
  const inside = (
    <Tie.Provider value={{ id, describedBy, invalid: Boolean(error), required: !optional, pointer, onBlur }}>{children}</Tie.Provider>
  );
  return (
    <div class="field" {...(group ? { role: "group", "aria-labelledby": `${id}l`, "aria-describedby": describedBy } : {})}>
      {group ? (
        <span id={`${id}l`} class="field-label">
          {words}
        </span>
      ) : (
        <label for={id}>{words}</label>
      )}
      {inside}
      {hint && (
        <span id={`${id}h`} class="hint">
          {hint}
        </span>
      )}
      {error && (
        <span id={`${id}e`} class="error">
          <Icon name="error" size={16} />
          {error}
        </span>
      )}
    </div>
  );
}

function useTied() {
  const tie = useContext(Tie);
  return tie ? { id: tie.id, "aria-describedby": tie.describedBy, "aria-invalid": tie.invalid || undefined, "data-pointer": tie.pointer, onBlur: tie.onBlur } : {};
}

/** Browsers honour `autofocus` once a page load; pages here come and go without one. */
function useFocus<E extends HTMLElement>(wanted: boolean | undefined) {
  const ref = useRef<E>(null);
  useLayoutEffect(() => {
    if (wanted) ref.current?.focus();
  }, []);
  return ref;
}

/** The last day that a date field takes: without one, browsers take years of six digits. The day after it is a day, too. */
export const LAST_DAY = "9999-12-30";

export interface InputProps {
  value: string;
  onInput: (value: string) => void;
  type?: "text" | "email" | "password" | "search" | "url" | "number" | "date" | "color" | "tel";
  autoComplete?: string;
  placeholder?: string;
  maxLength?: number;
  min?: string | number;
  max?: string | number;
  step?: string | number;
  disabled?: boolean;
  readOnly?: boolean;
  required?: boolean;
  autoFocus?: boolean;
  inputMode?: "decimal" | "numeric" | "text" | "email" | "url";
  label?: string;
  number?: boolean;
  dir?: "auto" | "ltr";
  list?: string;
}

export function Input({ value, onInput, type = "text", label, number, dir = "auto", autoFocus, ...rest }: InputProps) {
  return (
    <input
      ref={useFocus<HTMLInputElement>(autoFocus)}
      autofocus={autoFocus}
      class={`input${number ? " number" : ""}`}
      // One of many types at run time; Preact declares an element for each.
      type={type as "text"}
      value={value}
      aria-label={label}
      dir={type === "text" || type === "search" ? dir : undefined}
      onInput={(event) => onInput(event.currentTarget.value)}
      {...useTied()}
      {...(type === "date" ? { max: LAST_DAY } : {})}
      {...rest}
    />
  );
}

export function TextArea({ value, onInput, rows = 4, label, autoFocus, ...rest }: { value: string; onInput: (value: string) => void; rows?: number; maxLength?: number; placeholder?: string; disabled?: boolean; required?: boolean; autoFocus?: boolean; label?: string }) {
  return <textarea ref={useFocus<HTMLTextAreaElement>(autoFocus)} autofocus={autoFocus} class="input" rows={rows} value={value} dir="auto" aria-label={label} onInput={(event) => onInput(event.currentTarget.value)} {...useTied()} {...rest} />;
}

export type Option = { value: string; label: string; disabled?: boolean };

/** A native select, for up to 15 options; a longer list becomes a field that searches it. */
export function Select({ value, onChange, options, label, disabled }: { value: string; onChange: (value: string) => void; options: Option[]; label?: string; disabled?: boolean }) {
  const tied = useTied();
  if (options.length > 15) return <Combobox value={value} onChange={onChange} options={options} {...(label ? { label } : {})} {...(disabled ? { disabled } : {})} />;
  return (
    <select class="input" value={value} aria-label={label} disabled={disabled} onChange={(event) => onChange(event.currentTarget.value)} {...tied}>
      {options.map((option) => (
        <option key={option.value} value={option.value} disabled={option.disabled}>
          {option.label}
        </option>
      ))}
    </select>
  );
}

/** A list in the top layer, so that nothing covers or cuts it; below its field, or above where there is more room. */
function useListBelow(field: { current: HTMLElement | null }, open: boolean) {
  const list = useRef<HTMLUListElement>(null);
  useLayoutEffect(() => {
    const shown = list.current!;
    if (!open) return shown.hidePopover();
    shown.showPopover();
    const place = () => {
      const box = field.current!.getBoundingClientRect();
      const [above, below] = [box.top - 8, innerHeight - box.bottom - 8];
      const upwards = below < 200 && above > below;
      shown.style.maxBlockSize = `${Math.min(280, (upwards ? above : below) - 4)}px`;
      shown.style.inlineSize = `${box.width}px`;
      shown.style.left = `${Math.min(box.left, innerWidth - shown.offsetWidth - 8)}px`;
      shown.style.top = `${upwards ? box.top - 4 - shown.offsetHeight : box.bottom + 4}px`;
    };
    place();
    // What is typed makes the list shorter; what scrolls takes the field along.
    const watcher = new ResizeObserver(place);
    watcher.observe(shown);
    addEventListener("scroll", place, { capture: true, passive: true });
    return () => {
      watcher.disconnect();
      removeEventListener("scroll", place, { capture: true });
    };
  }, [open]);
  return list;
}

/** A field that searches its options (the pattern of the ARIA Authoring Practices: listbox popup, manual selection). */
function Combobox({ value, onChange, options, label, disabled }: { value: string; onChange: (value: string) => void; options: Option[]; label?: string; disabled?: boolean }) {
  const id = useId();
  const tied = useTied();
  const chosen = options.find((option) => option.value === value);
  const [text, setText] = useState<string | null>(null);
  const [at, setAt] = useState(0);
  const words = (text ?? "").toLocaleLowerCase();
  const found = text === null ? [] : options.filter((option) => `${option.label} ${option.value}`.toLocaleLowerCase().includes(words)).slice(0, 50);
  const open = text !== null;
  const input = useRef<HTMLInputElement>(null);
  const list = useListBelow(input, open);
  const take = (option: Option | undefined) => {
    if (option) onChange(option.value);
    setText(null);
  };
  useEffect(() => {
    if (open) document.getElementById(`${id}-${at}`)?.scrollIntoView({ block: "nearest" });
  }, [open, at]);
  return (
    <div class="combobox">
      <input
        ref={input}
        class="input"
        role="combobox"
        aria-label={label}
        aria-expanded={open}
        aria-controls={`${id}l`}
        aria-autocomplete="list"
        aria-activedescendant={open && found[at] ? `${id}-${at}` : undefined}
        disabled={disabled}
        autocomplete="off"
        value={text ?? chosen?.label ?? value}
        {...tied}
        onFocus={(event) => event.currentTarget.select()}
        onClick={() => setText((now) => now ?? "")}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onBlur={() => {
          setText(null);
          tied.onBlur?.();
        }}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            event.preventDefault();
            if (!open) setText("");
            else setAt((at + (event.key === "ArrowDown" ? 1 : -1) + found.length) % Math.max(1, found.length));
          } else if (event.key === "Enter" && open) {
            event.preventDefault();
            take(found[at]);
          } else if (event.key === "Escape" && open) {
            event.preventDefault();
            event.stopPropagation();
            setText(null);
          }
        }}
      />
      <Icon name="expand" size={16} />
      <ul ref={list} id={`${id}l`} role="listbox" class="popover combobox-list" aria-label={label ?? "Options"} popover="manual">
        {found.map((option, i) => (
          <li key={option.value} id={`${id}-${i}`} role="option" aria-selected={i === at} onPointerDown={(event) => (event.preventDefault(), take(option))}>
            {option.label}
          </li>
        ))}
        {open && !found.length && <li class="muted">Nothing matches.</li>}
      </ul>
    </div>
  );
}

export function Checkbox({ checked, onChange, children, hint, disabled }: { checked: boolean; onChange: (checked: boolean) => void; children: ComponentChildren; hint?: ComponentChildren; disabled?: boolean }) {
  const id = useId();
  return (
    <div class="choice">
      <input id={id} type="checkbox" checked={checked} disabled={disabled} aria-describedby={hint ? `${id}h` : undefined} onChange={(event) => onChange(event.currentTarget.checked)} />
      <div>
        <label for={id}>{children}</label>
        {hint && (
          <div id={`${id}h`} class="muted">
            {hint}
          </div>
        )}
      </div>
    </div>
  );
}

export function Radios({ name, value, onChange, options }: { name: string; value: string; onChange: (value: string) => void; options: (Option & { hint?: ComponentChildren })[] }) {
  const id = useId();
  return (
    <div class="stack tight">
      {options.map((option) => (
        <div class="choice" key={option.value}>
          <input id={`${id}${option.value}`} type="radio" name={`${name}${id}`} checked={option.value === value} disabled={option.disabled} onChange={() => onChange(option.value)} />
          <div>
            <label for={`${id}${option.value}`}>{option.label}</label>
            {option.hint && <div class="muted">{option.hint}</div>}
          </div>
        </div>
      ))}
    </div>
  );
}

/** Acts at once; goes back by itself when `onChange` is refused. While it acts it keeps the focus and ignores clicks. */
export function Switch({ checked, onChange, label, disabled }: { checked: boolean; onChange: (checked: boolean) => Promise<unknown> | void; label: string; disabled?: boolean }) {
  const [wished, setWished] = useState<boolean | null>(null);
  const set = async (next: boolean) => {
    if (wished !== null) return;
    setWished(next);
    try {
      await onChange(next);
    } finally {
      setWished(null);
    }
  };
  return <input type="checkbox" role="switch" class="switch" aria-label={label} checked={wished ?? checked} disabled={disabled} aria-busy={wished !== null || undefined} onClick={(event) => wished !== null && event.preventDefault()} onChange={(event) => void set(event.currentTarget.checked)} />;
}

/** One of a few, side by side. */
export function Segments({ value, onChange, options, label }: { value: string; onChange: (value: string) => void; options: Option[]; label: string }) {
  return (
    <div class="segments" role="group" aria-label={label}>
      {options.map((option) => (
        <button key={option.value} type="button" aria-pressed={option.value === value} onClick={() => onChange(option.value)}>
          {option.label}
        </button>
      ))}
    </div>
  );
}

/** Several lines of text as a list: one entry a line. */
export function Lines({ value, onChange, placeholder, rows = 4, label }: { value: string[]; onChange: (value: string[]) => void; placeholder?: string; rows?: number; label?: string }) {
  const [text, setText] = useState(value.join("\n"));
  const own = text.split("\n").map((line) => line.trim()).filter(Boolean);
  // What came from outside (a reset, somebody else's version) replaces the text; our own blank lines stay while typing.
  const shown = own.join("\n") === value.join("\n") ? text : value.join("\n");
  return (
    <TextArea
      value={shown}
      rows={rows}
      {...(placeholder ? { placeholder } : {})}
      {...(label ? { label } : {})}
      onInput={(next) => {
        setText(next);
        onChange(next.split("\n").map((line) => line.trim()).filter(Boolean));
      }}
    />
  );
}
