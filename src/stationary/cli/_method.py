"""Methods by name, as `--method` takes them."""

import ast
import inspect
from collections.abc import Callable
from typing import Any

from .. import methods
from .._method import AbstractMethod
from ._errors import UsageError


def public_methods() -> dict[str, Callable]:
    """The methods and the functions that make one, by public name."""
    found = {}
    for name in sorted(vars(methods)):
        value = getattr(methods, name)
        if not name.startswith("_") and (_is_class(value) or _makes_one(value)):
            found[name] = value
    return found


def _is_class(value: Any) -> bool:
    return (
        inspect.isclass(value)
        and issubclass(value, AbstractMethod)
        and not inspect.isabstract(value)
    )


def _makes_one(value: Any) -> bool:
    made = getattr(value, "__annotations__", {}).get("return")
    return inspect.isfunction(value) and _is_class(made)


def parse_method(text: str) -> AbstractMethod:
    """A method from its spelling: `AugmentedLagrangian(penalty=10)` or `from_optax(adam(1e-2))`.

    Only calls of methods and of Optax functions with literal arguments are understood.

    **Raises:** `UsageError` that names what is unknown.
    """
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError:
        raise UsageError(
            f"--method {text!r}: not a method such as AugmentedLagrangian()."
        ) from None
    try:
        found = _value(tree, outermost=True)
    except (TypeError, ValueError) as error:
        raise UsageError(f"--method {text!r}: {error}") from error
    if not isinstance(found, AbstractMethod):
        raise UsageError(f"--method {text!r}: makes no method; see `stationary methods`.")
    return found


def _value(node: ast.expr, *, outermost: bool = False) -> Any:
    if outermost and isinstance(node, ast.Name):
        return _named(node)()
    if isinstance(node, ast.Call):
        keywords = {k.arg: _value(k.value) for k in node.keywords if k.arg is not None}
        return _named(node.func)(*map(_value, node.args), **keywords)
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise UsageError(f"--method: {ast.unparse(node)!r} is not a literal or a call.") from None


def _named(node: ast.expr) -> Callable:
    """A public name of `stationary.methods`, or of Optax, with or without its package before it."""
    name = ast.unparse(node)
    for prefix in ("st.methods.", "stationary.methods.", "methods."):
        name = name.removeprefix(prefix)
    if name in vars(methods) and not name.startswith("_"):
        return getattr(methods, name)
    import optax

    found = getattr(optax, name.removeprefix("optax."), None)
    if not callable(found):
        known = ", ".join(public_methods())
        raise UsageError(f"--method: {name!r} is unknown; there are {known}.")
    return found
