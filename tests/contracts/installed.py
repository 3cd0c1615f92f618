"""Which distribution an import comes from, and which distributions a requirements.txt installs here."""

import re
import sys
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_PIN = re.compile(r"^(?P<requirement>[A-Za-z0-9][^\\#\s]*==[^\\#\n]*)", re.MULTILINE)


def pinned(requirements: str, environment: dict[str, Any] | None = None) -> dict[str, str]:
    """Distribution → version of what a compiled requirements.txt installs, by default on this machine and Python."""
    found = {}
    for match in _PIN.finditer(requirements):
        one = Requirement(match["requirement"])
        if one.marker is None or one.marker.evaluate({**default_environment(), **(environment or {})}):
            found[canonicalize_name(one.name)] = next(iter(one.specifier)).version
    return found


def site_of(python: Path) -> list[str]:
    """The site-packages of an environment, given by its interpreter's path (not resolved)."""
    return [str(path) for path in python.parent.parent.glob("lib/python3*/site-packages")]


@cache
def installed(*sites: str) -> dict[str, Distribution]:
    """Every distribution in these folders, by its canonical name."""
    found = distributions(path=list(sites)) if sites else distributions(path=site_of(Path(sys.executable)))
    return {canonicalize_name(one.metadata["Name"]): one for one in found}


@cache
def _modules() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, distribution in installed().items():
        for file in distribution.files or ():
            if file.suffix in (".py", ".so", ".pyd") and ".." not in file.parts:
                parts = [*file.parts[:-1], file.name.partition(".")[0]]
                found.setdefault(".".join(parts).removesuffix(".__init__"), set()).add(name)
    return found


def distributions_of(name: str) -> set[str]:
    """The distributions that an imported name comes from; none for the standard library. Raises LookupError.

    The name's longest part that is a module decides, since many distributions share the package `google`.
    """
    asked = name
    while name:
        if name in _modules():
            return _modules()[name]
        if name in sys.stdlib_module_names:
            return set()
        name = name.rpartition(".")[0]
    raise LookupError(asked)
