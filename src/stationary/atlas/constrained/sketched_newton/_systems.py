"""Small systems of as many equations as unknowns, as problems whose objective is zero.

**Source:** More, Garbow and Hillstrom, Testing unconstrained optimization software (1981); Gould,
Orban and Toint, CUTEst (2015).
"""

import jax.numpy as jnp
import numpy as np

from ._form import equations, zero


def _himmelba():
    return equations(lambda a, b: [4 * a - 20, b - 6], [8, 9])


def _himmelbc():
    return equations(lambda a, b: [a**2 + b - 11, a + b**2 - 7], [1, 1])


def _himmelbe():
    return equations(lambda a, b, c: [(a + b) ** 2 / 4 - c, 1 - a, 1 - b], [-1.2, 2, 0])


def _booth():
    return equations(lambda a, b: [a + 2 * b - 7, 2 * a + b - 5], [0, 0])


def _sinvalne():
    return equations(lambda a, b: [10 * (b - jnp.sin(a)), a / 2], [4.712389, -1])


def _waysea1ne():
    return equations(lambda a, b: [a**6 + b**4 - 17, 2 * a + b - 4], [1, 5])


def _waysea2ne():
    def rows(a, b):
        return [2.5 * a + 13 * b - 4 * a**2 - 4 * b**2 - 9.340125, b - 1]

    return equations(rows, [1, 5])


def _price4ne():
    return equations(lambda a, b: [2 * a**3 * b - b**3, 6 * a - b**2 + b], [1, 5])


def _rsnbrne():
    return equations(lambda a, b: [10 * (b - a**2), a - 1], [-1.2, 1])


def _cubene():
    return equations(lambda a, b: [a - 1, 10 * (b - a**3)], [-1.2, 1])


def _zangwil3():
    return equations(lambda a, b, c: [a - b + c, b + c - a, a + b - c], [100, -1, 2.5])


def _denschncne():
    return equations(lambda a, b: [a**2 + b**2 - 2, jnp.exp(a - 1) + b**3 - 2], [2, 3])


def _denschnfne():
    def rows(a, b):
        return [2 * (a + b) ** 2 + (a - b) ** 2 - 8, 5 * a**2 + (b - 3) ** 2 - 9]

    return equations(rows, [2, 0])


def _gottfr():
    def rows(a, b):
        return [a - 0.1136 * (a + 3 * b) * (1 - a), b + 7.5 * (2 * a - b) * (1 - b)]

    return equations(rows, [0.5, 0.5])


def _helixne():
    def rows(a, b, c):
        turns = jnp.arctan2(b, a) / (2 * np.pi)
        return [10 * (c - 10 * turns), 10 * (jnp.sqrt(a**2 + b**2) - 1), c]

    return equations(rows, [-1, 0, 0])


def _trigon1ne(n=10):
    i = np.arange(1, n + 1)

    def c(x):
        return n - jnp.sum(jnp.cos(x)) + i * (1 - jnp.cos(x) - jnp.sin(x))

    return zero, c, np.full(n, 1 / n), 0.0


def _grid(n):
    h = 1 / (n + 1)
    t = h * np.arange(1, n + 1)
    return h, t, t * (t - 1)


def _morebvne(n=10):
    h, t, start = _grid(n)

    def c(x):
        beside = jnp.pad(x, 1)
        return 2 * x - beside[:-2] - beside[2:] + h**2 / 2 * (x + t + 1) ** 3

    return zero, c, start, 0.0


def _inteqne(n=10):
    h, t, start = _grid(n)
    kernel = h / 2 * np.minimum(np.outer(1 - t, t), np.outer(t, 1 - t))

    def c(x):
        return x + kernel @ (x + t + 1) ** 3

    return zero, c, start, 0.0


def _mancinone(n=100):
    i, j = np.meshgrid(np.arange(1, n + 1), np.arange(1, n + 1), indexing="ij")
    shift = (np.arange(1, n + 1) - n / 2) ** 3

    def sums(x):
        v = jnp.sqrt(x**2 + i / j)
        terms = v * (jnp.sin(jnp.log(v)) ** 5 + jnp.cos(jnp.log(v)) ** 5)
        return jnp.sum(jnp.where(i == j, 0.0, terms), axis=1)

    factor = 14 * n / ((14 * n) ** 2 - 36 * (n - 1) ** 2)
    start = -factor * (np.asarray(sums(jnp.zeros(n))) + shift)
    return zero, lambda x: 14 * n * x + shift + sums(x), start, 0.0


BUILDERS = {
    build.__name__[1:].upper(): build
    for build in (
        _himmelba,
        _himmelbc,
        _himmelbe,
        _booth,
        _sinvalne,
        _waysea1ne,
        _waysea2ne,
        _price4ne,
        _rsnbrne,
        _cubene,
        _zangwil3,
        _denschncne,
        _denschnfne,
        _gottfr,
        _helixne,
        _trigon1ne,
        _morebvne,
        _inteqne,
        _mancinone,
    )
}
