"""No float comes near money: no literal, not the type, no division that makes one, no module that is full of them."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SHARED = ("money", "pricing", "tax", "digests")
MODULES = sorted(
    [path for name in SHARED if (path := ROOT.joinpath("functions/shared", f"{name}.py")).exists()]
    + list(ROOT.joinpath("functions/shared/metering").glob("**/*.py"))
    + list(ROOT.joinpath("functions/shared/plans").glob("**/*.py"))
    + list(ROOT.joinpath("functions/billing").glob("**/*.py"))
)
BANNED_MODULES = {"math", "statistics", "random", "numpy", "decimal"}
BANNED_NAMES = {"float", "truediv", "true_divide", "total_seconds", "as_integer_ratio", "Decimal"}


def floats_in(source: str) -> list[str]:
    """Line and reason of each thing that is or makes a float."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            found.append(f"{node.lineno}: the literal {node.value}")
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            found.append(f"{node.lineno}: a true division")
        elif isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            if name in BANNED_NAMES:
                found.append(f"{node.lineno}: {name}")
        elif isinstance(node, ast.Import | ast.ImportFrom):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            found += [f"{node.lineno}: {name}" for name in modules if name.partition(".")[0] in BANNED_MODULES]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_money_modules_have_no_float(path: Path) -> None:
    assert floats_in(path.read_text("utf-8")) == []


def test_the_money_modules_are_all_there() -> None:
    names = {str(path.relative_to(ROOT / "functions")) for path in MODULES}
    assert {
        "shared/money.py",
        "shared/pricing.py",
        "shared/plans/periods.py",
        "billing/ledger.py",
        "billing/pdf.py",
    } <= names


@pytest.mark.parametrize(
    "source",
    [
        "x = 1.5",
        "x = float(y)",
        "x = a / b",
        "x /= 2",
        "def f(a: float): ...",
        "import math",
        "from decimal import Decimal",
    ],
)
def test_the_check_finds_each_kind(source: str) -> None:
    assert floats_in(source)


def test_whole_numbers_pass() -> None:
    assert floats_in("x = a // b + 10**9 % 7\ny = Path(a).joinpath('b')") == []
