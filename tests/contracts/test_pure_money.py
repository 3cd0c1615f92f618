"""The money modules stand on the standard library and pydantic alone, so that each bundle can carry them."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PLANS = ("periods", "published", "rating", "terms", "unit_prices")
SHARED = [
    *(f"functions.shared.{name}" for name in ("money", "credit", "digests", "pricing", "tax")),
    "functions.shared.plans",
    *(f"functions.shared.plans.{name}" for name in PLANS),
]
BILLING = [
    f"functions.billing.{name}"
    for name in (
        "models",
        "frozen",
        "payment_models",
        "charges",
        "ledger",
        "invoicing",
        "aftermath",
        "grants",
        "adjustments",
        "refunds",
        "written_off",
    )
]


@pytest.mark.parametrize("module", SHARED + BILLING)
def test_a_money_module_imports_the_standard_library_and_pydantic_only(module: str) -> None:
    place = ROOT.joinpath(*module.split("."))
    source = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    tree = ast.parse(source.read_text("utf-8"))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    own = {*SHARED, *BILLING}
    foreign = {name for name in names - own if name.partition(".")[0] not in {*sys.stdlib_module_names, "pydantic"}}
    assert foreign == set()
