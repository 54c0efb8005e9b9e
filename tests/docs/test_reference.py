"""Every public name has a place in the reference, and the reference names nothing else."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import stationary

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
DIRECTIVE = re.compile(r"^::: (stationary[\w.]*)", re.MULTILINE)


def packages() -> list[str]:
    """The public packages, papers of the atlas left out: these only hold a declaration."""
    found = ["stationary"]
    for info in pkgutil.iter_modules(stationary.__path__, "stationary."):
        if info.ispkg and not info.name.rpartition(".")[2].startswith("_"):
            found.append(info.name)
    return found


def public(package: str) -> dict[str, object]:
    """The names that a package's `__init__` makes public: imported as themselves, or listed."""
    module = importlib.import_module(package)
    own = (name for name in vars(module) if not name.startswith("_"))
    return {
        name: getattr(module, name)
        for name in getattr(module, "__all__", own)
        if not inspect.ismodule(getattr(module, name))
    }


def resolve(name: str) -> object:
    """The object of a dotted name."""
    package, _, last = name.rpartition(".")
    return getattr(importlib.import_module(package), last)


def documented() -> list[str]:
    """What the reference pages show, by dotted name."""
    return [
        name
        for page in sorted(REFERENCE.rglob("*.md"))
        for name in DIRECTIVE.findall(page.read_text(encoding="utf-8"))
    ]


def test_every_public_name_is_in_the_reference():
    shown = [resolve(name) for name in documented()]
    missing = [
        f"{package}.{name}"
        for package in packages()
        for name, value in public(package).items()
        if not any(value is other for other in shown)
    ]
    assert missing == []


def test_the_reference_shows_each_name_once():
    names = documented()
    assert sorted(names) == sorted(set(names))


def test_every_name_in_the_reference_has_a_docstring():
    shown = {name: resolve(name) for name in documented()}
    defined = [n for n, v in shown.items() if inspect.isclass(v) or inspect.isroutine(v)]
    assert len(defined) > 80
    assert [name for name in defined if not shown[name].__doc__] == []
