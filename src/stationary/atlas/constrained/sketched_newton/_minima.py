"""Small problems with an objective and equality constraints.

**Source:** Hock and Schittkowski, Test Examples for Nonlinear Programming Codes (1981); Boggs and
Tolle, A strategy for global convergence in a sequential quadratic programming algorithm (1989);
Gould, Orban and Toint, CUTEst (2015).
"""

import jax.numpy as jnp
import numpy as np

from ._form import UNKNOWN, of

_ROOT = np.sqrt(2.0)


def _hs6():
    return of(lambda a, b: (1 - a) ** 2, lambda a, b: [10 * (b - a**2)], [-1.2, 1], 0.0)


def _hs7():
    def f(a, b):
        return jnp.log(1 + a**2) - b

    return of(f, lambda a, b: [(1 + a**2) ** 2 + b**2 - 4], [2, 2], -np.sqrt(3))


def _hs28():
    def f(a, b, c):
        return (a + b) ** 2 + (b + c) ** 2

    return of(f, lambda a, b, c: [a + 2 * b + 3 * c - 1], [-4, 1, 1], 0.0)


def _bt2():
    def f(a, b, c):
        return (a - 1) ** 2 + (a - b) ** 2 + (b - c) ** 4

    return of(f, lambda a, b, c: [a * (1 + b**2) + c**4 - 8.2426407], [10] * 3, 0.0325682)


def _bt5():
    def f(a, b, c):
        return 1000 - a**2 - 2 * b**2 - c**2 - a * b - a * c

    def rows(a, b, c):
        return [a**2 + b**2 + c**2 - 25, 8 * a + 14 * b + 7 * c - 56]

    return of(f, rows, [2] * 3, 961.7151721)


def _bt9():
    def rows(a, b, c, d):
        return [b - a**3 - c**2, a**2 - b - d**2]

    return of(lambda a, b, c, d: -a, rows, [2] * 4, -1.0)


def _bt10():
    return of(lambda a, b: -a, lambda a, b: [b - a**3, a**2 - b], [2, 2], -1.0)


def _bt12():
    def f(a, b, c, d, e):
        return 0.01 * a**2 + b**2

    def rows(a, b, c, d, e):
        return [a + b - c**2 - 25, a**2 + b**2 - d**2 - 25, a - e**2 - 2]

    return of(f, rows, [15.811, 1.5811, 0, 15.083, 3.7164], 6.18811881)


def _bt3():
    def f(a, b, c, d, e):
        return (a - b) ** 2 + (b + c - 2) ** 2 + (d - 1) ** 2 + (e - 1) ** 2

    def rows(a, b, c, d, e):
        return [a + 3 * b, c + d - 2 * e, b - e]

    return of(f, rows, [20] * 5, 176 / 43)


def _hs77():
    def f(a, b, c, d, e):
        return (a - 1) ** 2 + (a - b) ** 2 + (c - 1) ** 2 + (d - 1) ** 4 + (e - 1) ** 6

    def rows(a, b, c, d, e):
        return [d * a**2 + jnp.sin(d - e) - 2 * _ROOT, b + c**4 * d**2 - 8 - _ROOT]

    return of(f, rows, [2] * 5, 0.24150513)


def _bt6():
    return _hs77()  # Boggs and Tolle took it over


def _hs79():
    def f(a, b, c, d, e):
        return (a - 1) ** 2 + (a - b) ** 2 + (b - c) ** 2 + (c - d) ** 4 + (d - e) ** 4

    def rows(a, b, c, d, e):
        return [a + b**2 + c**3 - 2 - 3 * _ROOT, b - c**2 + d + 2 - 2 * _ROOT, a * e - 2]

    return of(f, rows, [2] * 5, 0.0787768209)


def _bt11():
    def f(a, b, c, d, e):
        return (a - 1) ** 2 + (a - b) ** 2 + (b - c) ** 2 + (c - d) ** 4 + (d - e) ** 4

    def rows(a, b, c, d, e):
        return [a + b**2 + c**3 + 2 - 3 * _ROOT, b - c**2 + d + 2 - 2 * _ROOT, a - e - 2]

    return of(f, rows, [2] * 5, 0.824891778)


def _hs40():
    def rows(a, b, c, d):
        return [a**3 + b**2 - 1, a**2 * d - c, d**2 - b]

    return of(lambda a, b, c, d: -a * b * c * d, rows, [0.8] * 4, -0.25)


def _hs42():
    def f(a, b, c, d):
        return (a - 1) ** 2 + (b - 2) ** 2 + (c - 3) ** 2 + (d - 4) ** 2

    return of(f, lambda a, b, c, d: [a - 2, c**2 + d**2 - 2], [1] * 4, 28 - 10 * _ROOT)


def _hs47():
    def f(a, b, c, d, e):
        return (a - b) ** 2 + (b - c) ** 3 + (c - d) ** 4 + (d - e) ** 4

    def rows(a, b, c, d, e):
        return [a + b**2 + c**3 - 3, b - c**2 + d - 1, a * e - 1]

    return of(f, rows, [2, _ROOT, -1, 2 - _ROOT, 0.5], 0.0)


def _hs48():
    def f(a, b, c, d, e):
        return (a - 1) ** 2 + (b - c) ** 2 + (d - e) ** 2

    def rows(a, b, c, d, e):
        return [a + b + c + d + e - 5, c - 2 * (d + e) + 3]

    return of(f, rows, [3, 5, -3, 2, -2], 0.0)


def _hs50():
    def f(a, b, c, d, e):
        return (a - b) ** 2 + (b - c) ** 2 + (c - d) ** 4 + (d - e) ** 2

    def rows(a, b, c, d, e):
        return [a + 2 * b + 3 * c - 6, b + 2 * c + 3 * d - 6, c + 2 * d + 3 * e - 6]

    return of(f, rows, [35, -31, 11, 5, -5], 0.0)


def _hs51():
    def f(a, b, c, d, e):
        return (a - b) ** 2 + (b + c - 2) ** 2 + (d - 1) ** 2 + (e - 1) ** 2

    return of(f, lambda a, b, c, d, e: [a + 3 * b - 4, c + d - 2 * e, b - e],
               [2.5, 0.5, 2, -1, 0.5], 0.0)  # fmt: skip


def _hs52():
    def f(a, b, c, d, e):
        return (4 * a - b) ** 2 + (b + c - 2) ** 2 + (d - 1) ** 2 + (e - 1) ** 2

    def rows(a, b, c, d, e):
        return [a + 3 * b, c + d - 2 * e, b - e]

    return of(f, rows, [2] * 5, 1859 / 349)


def _hs56():
    def rows(*x):
        s = [4.2 * jnp.sin(v) ** 2 for v in x[3:6]]
        total = x[0] + 2 * x[1] + 2 * x[2]
        return [x[0] - s[0], x[1] - s[1], x[2] - s[2], total - 7.2 * jnp.sin(x[6]) ** 2]

    start = [1, 1, 1, *[np.arcsin(np.sqrt(1 / 4.2))] * 3, np.arcsin(np.sqrt(5 / 7.2))]
    return of(lambda *x: -x[0] * x[1] * x[2], rows, start, -3.456)


def _hs78():
    def rows(a, b, c, d, e):
        squares = a**2 + b**2 + c**2 + d**2 + e**2
        return [squares - 10, b * c - 5 * d * e, a**3 + b**3 + 1]

    return of(lambda a, b, c, d, e: a * b * c * d * e, rows, [-2, 1.5, 2, -1, -1], -2.91970041)


def _hs100lnp():
    def f(a, b, c, d, e, u, v):
        quadratic = (a - 10) ** 2 + 5 * (b - 12) ** 2 + 3 * (d - 11) ** 2
        return quadratic + c**4 + 10 * e**6 + 7 * u**2 + v**4 - 4 * u * v - 10 * u - 8 * v

    def rows(a, b, c, d, e, u, v):
        first = 127 - 2 * a**2 - 3 * b**4 - c - 4 * d**2 - 5 * e
        return [first, -4 * a**2 - b**2 + 3 * a * b - 2 * c**2 - 5 * u + 11 * v]

    return of(f, rows, [1, 2, 0, 4, 0, 1, 1], 680.6300573)


def _mwright():
    def f(a, b, c, d, e):
        return a**2 + (a - b) ** 2 + (b - c) ** 3 + (c - d) ** 4 + (d - e) ** 4

    def rows(a, b, c, d, e):
        return [a + b**2 + c**2 - 2 - 3 * _ROOT, b - c**2 + d + 2 - 2 * _ROOT, a * e - 2]

    return of(f, rows, [-1, 2, 1, -2, -2])


def _genhs28():
    def f(x):
        return jnp.sum((x[:-1] + x[1:]) ** 2)

    def c(x):
        return x[:-2] + 2 * x[1:-1] + 3 * x[2:] - 1

    return f, c, np.array([-4.0] + [1.0] * 9), UNKNOWN


def _orthregb():
    corners = [[9, 9, 0], [6, -6, 0], [-9, -9, 0], [-6, 6, 0], [0, 0, 7], [0, 0, -7]]
    data = np.array(corners) + 0.5

    def f(x):
        return jnp.sum((x[9:].reshape(6, 3) - data) ** 2)

    def c(x):
        h = jnp.array([[x[0], x[1], x[2]], [x[1], x[3], x[4]], [x[2], x[4], x[5]]])
        at = x[9:].reshape(6, 3)
        return jnp.sum(at * (at @ h), axis=1) - 2 * at @ x[6:9] - 1

    return f, c, np.array([1, 0, 0, 1, 0, 1, 0, 0, 0, *data.ravel()], float), 0.0


BUILDERS = {
    build.__name__[1:].upper(): build
    for build in (
        _hs6,
        _hs7,
        _hs28,
        _bt2,
        _bt5,
        _bt9,
        _bt10,
        _bt12,
        _bt3,
        _hs77,
        _bt6,
        _hs79,
        _bt11,
        _hs40,
        _hs42,
        _hs47,
        _hs48,
        _hs50,
        _hs51,
        _hs52,
        _hs56,
        _hs78,
        _hs100lnp,
        _mwright,
        _genhs28,
        _orthregb,
    )
}
