"""What `FILE[:NAME]` stands for: a problem, a start, and what else the file says about it."""

import dataclasses
import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from jaxtyping import PyTree

from .._method import AbstractMethod
from .._solution import Solution
from .._statements import AbstractStatement
from ._errors import UsageError, explain

Summary = Callable[[Solution], "Mapping[str, Any] | str"]


@dataclasses.dataclass(frozen=True)
class Case:
    """A problem to solve from the command line.

    **Arguments:**

    - `file`, `name`: where it came from.
    - `problem`, `x0`: what to solve.
    - `method`: the file's own choice, if it makes one.
    - `summary`: what the file wants said about the answer.
    - `notes`: what to tell the reader before the solve.
    """

    file: Path
    name: str
    problem: AbstractStatement
    x0: PyTree
    method: AbstractMethod | None = None
    summary: Summary | None = None
    notes: tuple[str, ...] = ()


def load(target: str) -> Case:
    """Read `FILE[:NAME]`, a Python file or an MPS or LP file.

    **Raises:** `UsageError` that says what the file lacks.
    """
    file, name = _split(target)
    if file.name.lower().endswith((".mps", ".lp", ".mps.gz", ".lp.gz")):
        return _from_file(file, name)
    if not file.exists():
        raise UsageError(f"{file}: there is no such file.")
    if file.suffix != ".py":
        raise UsageError(
            f"{file}: expected a Python file with a `problem` and its `x0`, or an MPS or LP file."
        )
    return _from_python(file, name or "problem")


def _split(target: str) -> tuple[Path, str]:
    """The file, and the name after the last colon if there is one."""
    head, colon, tail = target.rpartition(":")
    if colon and tail.isidentifier() and not Path(target).exists():
        return Path(head), tail
    return Path(target), ""


def _from_file(file: Path, name: str) -> Case:
    from ..files import FileError, read
    from ._rows import summarise

    if name:
        raise UsageError(f"{file}: holds one problem; leave out ':{name}'.")
    try:
        found = read(file)
    except (FileError, ImportError, OSError) as error:
        raise UsageError(explain(error)) from error
    return Case(
        file,
        found.name,
        found.problem,
        found.x0,
        summary=lambda solution: summarise(found, solution),
        notes=found.notes,
    )


def _from_python(file: Path, name: str) -> Case:
    module = _execute(file)
    found = getattr(module, name, None)
    if found is None:
        others = [n for n, v in vars(module).items() if isinstance(v, AbstractStatement)]
        known = f" It defines {', '.join(others)}." if others else ""
        raise UsageError(f"{file}: defines no {name!r}.{known}")
    own = "" if name == "problem" else f"{name}_"

    def beside(what: str) -> Any:
        return getattr(module, own + what, getattr(module, what, None))

    x0 = beside("x0")
    if not isinstance(found, AbstractStatement) and callable(found):
        found, x0 = _call(file, name, found)
    if not isinstance(found, AbstractStatement):
        raise UsageError(
            f"{file}: {name} is {type(found).__name__}; it must be a statement such as "
            "st.Minimize(...), or a function that returns (problem, x0)."
        )
    if x0 is None:
        raise UsageError(
            f"{file}: {name} has no start; define {own}x0, an array or a pytree of arrays."
        )
    method, summary = beside("method"), beside("summary")
    if method is not None and not isinstance(method, AbstractMethod):
        raise UsageError(f"{file}: {own}method is {method!r}; it must be a method of stationary.")
    if summary is not None and not callable(summary):
        raise UsageError(f"{file}: {own}summary must be a function of the solution.")
    return Case(file, name, found, x0, method, cast("Summary | None", summary))


def _execute(file: Path) -> Any:
    """The file as a module, with its folder first on the path as when Python runs it."""
    path = file.resolve()
    # A name of its own: a file called numpy.py must not replace numpy.
    spec = importlib.util.spec_from_file_location(f"_stationary_file_{path.stem}", path)
    assert spec is not None and spec.loader is not None  # it ends in .py
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    sys.modules[spec.name] = module  # dataclasses look their module up here
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(explain(error, file)) from error
    finally:
        sys.path.remove(str(path.parent))
    return module


def _call(file: Path, name: str, make: Callable) -> tuple[Any, PyTree]:
    try:
        made = make()
    except Exception as error:
        raise UsageError(explain(error, file)) from error
    if not (isinstance(made, tuple) and len(made) == 2):
        raise UsageError(f"{file}: {name}() must return the pair (problem, x0), not {made!r}.")
    return made
