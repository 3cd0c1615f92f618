/** What the JSON Schema of a definition allows at a place of the YAML: keys, values, and where a JSON pointer stands. */

export interface Node {
  $ref?: string;
  $defs?: Record<string, Node>;
  type?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  description?: string;
  properties?: Record<string, Node>;
  items?: Node;
  anyOf?: Node[];
  allOf?: Node[];
}

const line = /^( *)((?:- +)*)(?:(["']?)([\w-]+)\3 *:(?: |$))?/;

interface Read {
  /** The column at which its key or value begins. */
  column: number;
  /** The column of its first dash, or of its key. */
  outer: number;
  dashes: boolean;
  key: string | undefined;
}

function read(text: string): Read | undefined {
  if (!text.trim() || text.trimStart().startsWith("#")) return undefined;
  const [, indent = "", dashes = "", , key] = line.exec(text)!;
  return { column: indent.length + dashes.length, outer: indent.length, dashes: dashes !== "", key };
}

/** The keys that lead to what stands in line `at` (from 0) at `column`; `dashed`: it is an entry of a list. */
export function pathTo(lines: readonly string[], at: number, column: number, dashed: boolean): string[] {
  const path: string[] = [];
  let limit = column;
  // An entry's dash may stand right below its key.
  let loose = dashed;
  for (let i = at - 1; i >= 0 && (limit > 0 || loose); i--) {
    const found = read(lines[i]!);
    if (!found) continue;
    if (found.key !== undefined && (found.column < limit || (loose && found.column === limit && !found.dashes))) {
      path.unshift(found.key);
      limit = found.outer;
      loose = found.dashes;
    }
  }
  return path;
}

export class Schema {
  constructor(private readonly root: Node) {}

  private resolved(node: Node | undefined): Node | undefined {
    for (let n = 0; node && n < 10; n++) {
      const { description } = node;
      if (node.$ref) {
        const target = this.root.$defs?.[node.$ref.split("/").at(-1)!];
        node = target && { ...target, description: description ?? target.description ?? "" };
      } else if (node.anyOf || node.allOf) {
        const some = [...(node.anyOf ?? []), ...(node.allOf ?? [])].find((one) => one.type !== "null");
        node = some && { ...some, description: description ?? some.description ?? "" };
      } else return node;
    }
    return node;
  }

  /** What may stand at the end of this path; a list's entry counts as the list. */
  at(path: readonly string[]): Node | undefined {
    let node = this.resolved(this.root);
    for (const key of path) {
      const inner: Node | undefined = node?.type === "array" ? this.resolved(node.items) : node;
      node = this.resolved(inner?.properties?.[key]);
    }
    return node;
  }

  /** The keys that may stand below this path, with what each holds. */
  keys(path: readonly string[]): [key: string, node: Node][] {
    const node = this.at(path);
    const inner = node?.type === "array" ? this.resolved(node.items) : node;
    return Object.entries(inner?.properties ?? {}).map(([key, child]) => [key, this.resolved(child) ?? {}]);
  }

  /** The values that the schema itself names for this path. */
  values(path: readonly string[]): string[] {
    const node = this.at(path);
    const inner = node?.type === "array" ? this.resolved(node.items) : node;
    if (inner?.enum) return inner.enum.map(String);
    if (inner?.const !== undefined) return [String(inner.const)];
    if (inner?.type === "boolean") return ["true", "false"];
    return [];
  }
}

/** Line and column (from 1) of what a JSON pointer names in this file; of its nearest parent where it is not written. */
export function placeOf(text: string, pointer: string): { line: number; column: number } {
  const lines = text.split("\n");
  let start = 0;
  let end = lines.length;
  let least = 0;
  let place = { line: 1, column: 1 };
  for (const part of pointer.split("/").slice(1)) {
    const number = /^\d+$/.test(part) ? Number(part) : undefined;
    let seen = -1;
    let found = -1;
    let depth = -1;
    for (let i = start; i < end; i++) {
      const own = read(lines[i]!);
      if (!own || own.outer < least) continue;
      if (depth < 0) depth = number === undefined ? own.column : own.outer;
      if (number === undefined ? own.key === part && own.column === depth : own.dashes && own.outer === depth && ++seen === number) {
        found = i;
        break;
      }
    }
    if (found < 0) break;
    const own = read(lines[found]!)!;
    const outer = number === undefined ? own.column : own.outer;
    place = { line: found + 1, column: (number === undefined ? own.column : own.outer) + 1 };
    start = number === undefined ? found + 1 : found;
    least = number === undefined ? outer : outer + 1;
    let last = found + 1;
    while (last < end) {
      const next = read(lines[last]!);
      // A list may begin at its key's own column.
      if (next && (next.outer < outer || (next.outer === outer && !(number === undefined && next.dashes)))) break;
      last++;
    }
    end = last;
    if (number !== undefined) least = outer;
  }
  return place;
}
