"""Training that balances the samples of a batch, against training on their mean."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np

import stationary as st
from stationary import plot
from stationary.atlas import Measured, Table
from stationary.methods import JacobianDescent, Mean, UPGrad

CLASSES, SIZE, BATCH, EPOCHS = 10, 512, 16, 20
RATES = (0.03, 0.1, 0.3, 1.0, 3.0)


def initial(rng, widths):
    """Parameters of a network with these widths."""
    return [
        (jnp.asarray(rng.standard_normal((a, b)) * (2 / a) ** 0.5), jnp.zeros(b))
        for a, b in itertools.pairwise(widths)
    ]


def loss(params, row):
    """Cross entropy of one sample."""
    x, label = row
    for weight, bias in params[:-1]:
        x = jax.nn.relu(x @ weight + bias)
    weight, bias = params[-1]
    return -jax.nn.log_softmax(x @ weight + bias)[label]


def mixture(rng):
    """Samples of ten overlapping classes, the largest about thirty times the smallest."""
    shares = np.geomspace(30, 1, CLASSES)
    labels = rng.choice(CLASSES, SIZE, p=shares / shares.sum())
    centres = 1.2 * rng.standard_normal((CLASSES, 8))
    return centres[labels] + rng.standard_normal((SIZE, 8)), labels


def samples(found, seed):
    """Training on imbalanced classes, sample by sample."""
    rules = {"UPGrad": UPGrad(), "mean": Mean()}
    ratios, worst_ratios, rows, curves = [], [], [], {}
    for run in range(3):
        rng = np.random.default_rng([seed, run])
        data = mixture(rng)
        params = initial(rng, (8, 32, CLASSES))
        best = {}
        for name, rule in rules.items():
            for rate in RATES:
                curve, by_class = train(rule, rate, data, params, run)
                if np.isfinite(curve[-1]) and curve[-1] < best.get(name, ([np.inf],))[0][-1]:
                    best[name] = curve, by_class, rate
        for name, (curve, by_class, rate) in best.items():
            rows.append((run, name, rate, float(curve[-1]), float(np.max(by_class))))
            if run == 0:
                curves[name] = np.arange(EPOCHS + 1), curve
        ratios.append(best["UPGrad"][0][-1] / best["mean"][0][-1])
        worst_ratios.append(np.max(best["UPGrad"][1]) / np.max(best["mean"][1]))
    found.values["training loss"] = Measured.over(ratios)
    found.values["worst class"] = Measured.over(worst_ratios)
    columns = ("seed", "rule", "best rate", "training loss", "worst class")
    found.tables["Training loss after 20 epochs"] = Table(columns, tuple(rows))
    found.figures["Training loss by epoch, first seed, each rule at its best rate"] = plot.line(
        curves,
        title="Training loss by epoch",
        x_label="epoch",
        y_label="mean loss of all samples",
        y_scale="log",
        standalone=True,
    )


def train(rule, rate, data, params, seed):
    """The training loss by epoch, and at the end by class."""
    x, labels = map(jnp.asarray, data)
    problem = st.Minimize(st.Expectation(loss, st.Batches((x, labels), BATCH, seed=seed)))
    system = problem.lower(params)

    @jax.jit
    def go(params, rate):
        method = JacobianDescent(rate, rule)
        state = method.init(system, st.Point(params, {}))

        def epoch(state, _):
            def step(state, _):
                return method.step(system, state)[0], None

            state, _ = jax.lax.scan(step, state, None, length=SIZE // BATCH)
            return state, each(state.primal).mean()

        state, curve = jax.lax.scan(epoch, state, None, length=EPOCHS)
        return jnp.append(each(params).mean(), curve), each(state.primal)

    def each(params):
        return jax.vmap(loss, in_axes=(None, 0))(params, (x, labels))

    curve, final = go(params, jnp.asarray(rate))
    sums = np.bincount(np.asarray(labels), np.asarray(final), CLASSES)
    counts = np.bincount(np.asarray(labels), minlength=CLASSES)
    return np.asarray(curve), sums / np.maximum(counts, 1)
