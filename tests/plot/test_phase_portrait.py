"""Phase portraits: arrows along the field, paths of the methods."""

import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.methods import ExtraGradient, GradientDescentAscent
from stationary.plot import phase_portrait

GAME = st.Saddle(lambda x, y: x * y)
START = (jnp.array(1.0), jnp.array(0.0))


def strokes(path: str) -> list[np.ndarray]:
    """The points of every stroke of a path."""
    return [
        np.array(stroke.replace("L", " ").split(), float).reshape(-1, 2)
        for stroke in path.split("M")[1:]
    ]


def portrait(**options):
    methods = {"apart": GradientDescentAscent(0.2), "together": ExtraGradient(0.2)}
    return phase_portrait(GAME, START, methods, title="t", **options)


def test_arrows_point_along_the_field(parse):
    picture = phase_portrait(GAME, START, title="t", x_range=(-1, 1), y_range=(-1, 1), arrows=4)
    (field,) = parse(picture)["line"]
    shafts = strokes(field.get("d"))[::2]
    middles = np.array([shaft.mean(0) for shaft in shafts])
    centre = (middles.min(0) + middles.max(0)) / 2
    scale = np.ptp(middles, axis=0) / 2  # pixels of the same distance along x and along y
    for shaft in shafts:
        x, y = (shaft.mean(0) - centre) / scale * [1, -1]
        across, up = (shaft[1] - shaft[0]) * [1, -1]
        # x descends along y, y ascends along x.
        pull = np.array([-y, x]) * scale
        cosine = pull @ [across, up] / np.linalg.norm(pull) / np.hypot(across, up)
        assert cosine == pytest.approx(1, abs=0.02)
    lengths = [np.linalg.norm(shaft[1] - shaft[0]) for shaft in shafts]
    assert np.ptp(lengths) < 0.5


def test_paths_begin_at_the_start_and_follow_the_method(parse):
    found = parse(portrait(steps=20, x_range=(-2, 2), y_range=(-2, 2), size=(400, 400)))
    _, apart, together = (strokes(line.get("d"))[0] for line in found["line"][:3])
    dot = np.array([float(value) for value in _middle(found)])
    np.testing.assert_allclose(apart[0], dot, atol=4)
    np.testing.assert_allclose(together[0], dot, atol=4)
    # |z| grows by sqrt(1 + h^2) a step of descent-ascent, and falls for extragradient.
    distance = [np.linalg.norm(path[-1] - _origin(found)) for path in (apart, together)]
    begun = np.linalg.norm(apart[0] - _origin(found))
    assert distance[0] / begun == pytest.approx(1.04**10, rel=0.15)
    assert distance[1] < begun


def _middle(found):
    shape = found["dot"][0].get("d")
    return np.array(shape[1:].split("l")[0].split(), float)


def _origin(found):
    x = [t for t in found["text"] if t.text == "0" and t.get("text-anchor") == "middle"]
    y = [t for t in found["text"] if t.text == "0" and t.get("text-anchor") == "end"]
    return np.array([float(x[0].get("x")), float(y[0].get("y")) - 4])


def test_a_path_ends_where_it_leaves_the_picture(parse):
    found = parse(portrait(steps=400))
    _, apart, together = (strokes(line.get("d")) for line in found["line"][:3])
    assert len(apart) == len(together) == 1
    wide, high = map(float, found["svg"][0].get("viewBox").split()[2:])
    assert np.all(apart[0] >= 0) and np.all(apart[0] <= [wide, high])


def test_any_statement_of_two_numbers():
    bowl = st.Minimize(lambda x: jnp.sum(x**2))
    nested = st.Nested(lambda x, y: (x - 1) ** 2 + y**2, lambda x, y: (y - x) ** 2, st.Implicit())
    for problem, x0 in ((bowl, jnp.array([1.0, 2.0])), (nested, START)):
        assert "nan" not in phase_portrait(problem, x0, title="t")


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="x0 holds 3"):
        phase_portrait(st.Minimize(lambda x: jnp.sum(x**2)), jnp.ones(3), title="t")
    with pytest.raises(ValueError, match=r"x_range .* got \(1, 1\)"):
        phase_portrait(GAME, START, title="t", x_range=(1, 1))
    with pytest.raises(ValueError, match="at least 1 step"):
        phase_portrait(GAME, START, title="t", steps=0)
