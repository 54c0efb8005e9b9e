"""Dense layers and biases in a traced function: where parameters enter linearly."""

from collections import Counter
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax.extend import core as jex_core
from jaxtyping import Array


class Layer(NamedTuple):
    """An equation that a parameter enters linearly, and through which alone it acts.

    **Arguments:**

    - `equation`: its position in the list of equations.
    - `leaf`: which parameter.
    - `other`: for a dense layer, what the parameter is multiplied with; `None` for a bias.
    - `transposed`: whether the parameter's first axis is that of the layer's outputs.
    """

    equation: int
    leaf: int
    other: Any
    transposed: bool


class Straight(NamedTuple):
    """A traced function without calls in it.

    **Arguments:**

    - `equations`: (as traced, inputs, outputs) in order.
    - `inputs`, `constants`, `outputs`: variables.
    - `layers`: found among the equations, at most one per parameter.
    """

    equations: list[tuple[Any, list, list]]
    inputs: list
    constants: list
    outputs: list
    layers: list[Layer]


def straighten(jaxpr: Any, parameters: list) -> Straight:
    """Calls written out, and the layers found of those inputs that are parameters.

    Calls with derivatives of their own stay as they are.
    """
    equations = []

    def walk(jaxpr, names):
        def name(atom):
            return atom if isinstance(atom, jex_core.Literal) else names.get(atom, atom)

        for eqn in jaxpr.eqns:
            inputs = [name(atom) for atom in eqn.invars]
            inner = eqn.params.get("jaxpr") if eqn.primitive.name in _CALLS else None
            if isinstance(inner, jex_core.ClosedJaxpr) and not inner.consts:
                # A copy for each call: one function called twice has one set of variables.
                own = dict(zip(inner.jaxpr.invars, inputs, strict=True))
                walk(inner.jaxpr, own)
                for outer, found in zip(eqn.outvars, inner.jaxpr.outvars, strict=True):
                    names[outer] = (
                        found if isinstance(found, jex_core.Literal) else own.get(found, found)
                    )
                continue
            outputs = [_Copy(v.aval) for v in eqn.outvars]
            names.update(zip(eqn.outvars, outputs, strict=True))
            equations.append((eqn, inputs, outputs))
        return names

    names = walk(jaxpr, {})
    outputs = [
        atom if isinstance(atom, jex_core.Literal) else names.get(atom, atom)
        for atom in jaxpr.outvars
    ]
    found = _find(equations, parameters, outputs)
    return Straight(equations, list(jaxpr.invars), list(jaxpr.constvars), outputs, found)


_CALLS = ("jit", "pjit", "closed_call", "core_call")


class _Copy:
    """A variable of an equation that was copied out of a call."""

    def __init__(self, aval: Any):
        self.aval = aval


def _find(equations: list, parameters: list, outputs: list) -> list[Layer]:
    uses = Counter(
        id(atom)
        for atoms in (*(inputs for _, inputs, _ in equations), outputs)
        for atom in atoms
        if not isinstance(atom, jex_core.Literal)
    )
    once = {id(v): (i, False) for i, v in enumerate(parameters) if uses[id(v)] == 1}
    layers = []
    for position, (eqn, inputs, results) in enumerate(equations):
        name, params = eqn.primitive.name, eqn.params
        held = [(i, once[id(atom)]) for i, atom in enumerate(inputs) if id(atom) in once]
        if len(held) != 1:
            continue
        ((which, (leaf, turned)),) = held
        single = uses[id(results[0])] == 1
        if name == "transpose" and params["permutation"] == (1, 0) and single:
            once[id(results[0])] = (leaf, not turned)
        elif name == "dot_general":
            layer = _dense(position, leaf, turned, inputs, params, which)
            layers += [] if layer is None else [layer]
        elif name in ("add", "add_any"):
            if parameters[leaf].aval.shape == results[0].aval.shape:
                layers.append(Layer(position, leaf, None, False))
    return layers


def _dense(
    position: int, leaf: int, turned: bool, inputs: list, params: dict, which: int
) -> Layer | None:
    contract, batch = params["dimension_numbers"]
    weight, other = inputs[which], inputs[1 - which]
    if len(weight.aval.shape) != 2 or len(other.aval.shape) != 1 or batch != ((), ()):
        return None
    if len(contract[which]) != 1 or isinstance(other, jex_core.Literal):
        return None
    # Contracted over its last axis, the first one is that of the outputs.
    outputs_first = contract[which][0] == 1
    return Layer(position, leaf, other, outputs_first != turned)


def evaluate(
    straight: Straight, constants: list, inputs: list, nudges: list[Array]
) -> tuple[Array, list[Any]]:
    """The one output with nudges added to the layers' outputs, and the layers' inputs."""
    values: dict[int, Any] = {}
    values.update(zip(map(id, straight.constants), constants, strict=True))
    values.update(zip(map(id, straight.inputs), inputs, strict=True))

    def read(atom):
        return atom.val if isinstance(atom, jex_core.Literal) else values[id(atom)]

    at = {layer.equation: nudge for layer, nudge in zip(straight.layers, nudges, strict=True)}
    for position, (eqn, atoms, outputs) in enumerate(straight.equations):
        with eqn.ctx.manager:
            params = eqn.primitive.get_bind_params(eqn.params)
            found = eqn.primitive.bind(*map(read, atoms), **params)
        found = list(found) if eqn.primitive.multiple_results else [found]
        if position in at:
            found = [found[0] + at[position]]
        values.update(zip(map(id, outputs), found, strict=True))
    met = [None if layer.other is None else read(layer.other) for layer in straight.layers]
    return jnp.asarray(read(straight.outputs[0])), met


def nothing(straight: Straight) -> list[Array]:
    """Nudges of 0, one per layer."""
    avals = [straight.equations[layer.equation][2][0].aval for layer in straight.layers]
    return [jnp.zeros(aval.shape, aval.dtype) for aval in avals]
