"""What the source says without being run: modules of `functions`, what each imports, and which bundle reaches which."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FUNCTIONS = ROOT / "functions"
FOLDERS = sorted(path.parent.name for path in FUNCTIONS.glob("*/requirements.txt"))


@cache
def modules() -> dict[str, Path]:
    """Every module below `functions`, by its dotted name."""
    return {_dotted(path): path for path in sorted(FUNCTIONS.rglob("*.py"))}


def _dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def folder_of(module: str) -> str:
    """`shared`, `agents`, …: the folder a module of `functions` is in."""
    return module.split(".")[1] if "." in module else ""


@cache
def tree(module: str) -> ast.Module:
    """A module's syntax tree; the same object each time, so nobody changes it."""
    return ast.parse(modules()[module].read_text("utf-8"))


def imported(parsed: ast.AST) -> set[str]:
    """Dotted names that a run may import, wherever the import stands; what only a type checker reads is left out.

    `from a.b import c` gives `a.b.c`, for c may be a module; who asks takes the longest prefix that is one. A name
    given to `find_spec` or `import_module` as plain text counts.
    """
    found = set()
    for node in _run(parsed):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            name = node.args[0]
            if node.func.attr in ("find_spec", "import_module") and isinstance(name, ast.Constant):
                found.add(str(name.value))
    return found


def _run(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and any(_names_type_checking(part) for part in ast.walk(child.test)):
            for other in child.orelse:
                yield from _run(other)
        else:
            yield from _run(child)


def _names_type_checking(node: ast.AST) -> bool:
    return "TYPE_CHECKING" in (getattr(node, "id", None), getattr(node, "attr", None))


@cache
def imported_by(module: str) -> frozenset[str]:
    """What `imported` finds in a module, looked for once."""
    return frozenset(imported(tree(module)))


def reached(folder: str) -> set[str]:
    """The modules that a bundle of `folder` may import: all of the folder, and of shared what they lead to."""
    return reached_from(name for name in modules() if folder_of(name) == folder)


def reached_from(start: Iterable[str]) -> set[str]:
    """The modules that these may import, themselves included."""
    waiting = list(start)
    found: set[str] = set()
    while waiting:
        module = waiting.pop()
        if module in found:
            continue
        found.add(module)
        waiting += [package for package in _packages(module) if package in modules()]
        waiting += [inner for name in imported_by(module) if (inner := inside(name))]
    return found


def _packages(module: str) -> Iterator[str]:
    # Importing a module runs the __init__ of each package above it.
    parts = module.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts)))


def inside(name: str) -> str | None:
    """The module of `functions` that an imported name is or is in, or None for a name from elsewhere."""
    while name not in modules():
        name = name.rpartition(".")[0]
        if not name:
            return None
    return name
