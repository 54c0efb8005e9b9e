"""Training that balances the samples of a batch, against training on their mean."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np

import stationary as st
from stationary import plot
from stationary.atlas import Measured, Table
from stationary.methods import JacobianDescent, Mean, UPGrad

CLASSES, SIZE, BATCH, EPOCHS, RUNS = 10, 512, 16, 10, 5
RATES = (0.03, 0.1, 0.2, 0.3, 0.5)


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


def mixture(rng, dimensions, spread):
    """Samples of ten classes, the largest about thirty times the smallest."""
    shares = np.geomspace(30, 1, CLASSES)
    labels = rng.choice(CLASSES, SIZE, p=shares / shares.sum())
    centres = spread * rng.standard_normal((CLASSES, dimensions))
    return centres[labels] + rng.standard_normal((SIZE, dimensions)), labels


def samples(found, seed):
    """Training on imbalanced classes, sample by sample."""
    rules = {"UPGrad": UPGrad(), "mean": Mean()}
    rows, curves = [], {}
    for case, dimensions, spread in (("separable", 64, 0.3), ("overlapping", 8, 1.2)):
        rngs = [np.random.default_rng([seed, run]) for run in range(RUNS)]
        data = [mixture(rng, dimensions, spread) for rng in rngs]
        params = [initial(rng, (dimensions, 64, CLASSES)) for rng in rngs]
        stacked = [
            jax.tree.map(lambda *leaves: jnp.stack(leaves), *part) for part in (data, params)
        ]
        ends = {}
        for name, rule in rules.items():
            curve, final = map(np.asarray, train(rule, *stacked))
            best = np.argmin(np.where(np.isfinite(curve[..., -1]), curve[..., -1], np.inf), axis=1)
            ends[name] = []
            for run in range(RUNS):
                own = curve[run, best[run]]
                labels = data[run][1]
                counts = np.bincount(labels, minlength=CLASSES)
                by_class = np.bincount(labels, final[run, best[run]], CLASSES)
                worst = np.max(by_class / np.maximum(counts, 1))
                ends[name].append((own[-1], worst))
                rate = RATES[best[run]]
                rows.append((case, run, name, rate, float(own[-1]), float(worst)))
                if run == 0 and case == "separable":
                    curves[name] = np.arange(EPOCHS + 1), own
        ratios = np.array(ends["UPGrad"]) / np.array(ends["mean"])
        if case == "separable":
            found.values["training loss"] = Measured.over(ratios[:, 0])
            found.values["worst class"] = Measured.over(ratios[:, 1])
        else:
            found.notes.append(
                "Where classes overlap, so that no network of this size fits every sample, the "
                "order is the other way round: the ratio of training losses is "
                f"{Measured.over(ratios[:, 0])}."
            )
    columns = ("classes", "seed", "rule", "best rate", "training loss", "worst class")
    found.tables[f"Training loss after {EPOCHS} epochs"] = Table(columns, tuple(rows))
    found.figures["Training loss by epoch, first seed, each rule at its best rate"] = plot.line(
        curves,
        title="Training loss by epoch",
        x_label="epoch",
        y_label="mean loss of all samples",
        y_scale="log",
        standalone=True,
    )


def train(rule, data, params):
    """Per run and rate: the training loss by epoch, and at the end by sample."""

    def go(x, labels, params, rate):
        def each(params):
            return jax.vmap(loss, in_axes=(None, 0))(params, (x, labels))

        problem = st.Minimize(st.Expectation(loss, st.Batches((x, labels), BATCH)))
        system = problem.lower(params)
        method = JacobianDescent(rate, rule)

        def epoch(state, _):
            def step(state, _):
                return method.step(system, state)[0], None

            state, _ = jax.lax.scan(step, state, None, length=SIZE // BATCH)
            return state, each(state.primal).mean()

        start = method.init(system, st.Point(params, {}))
        state, curve = jax.lax.scan(epoch, start, None, length=EPOCHS)
        return jnp.append(each(params).mean(), curve), each(state.primal)

    over_rates = jax.vmap(go, in_axes=(None, None, None, 0))
    return jax.jit(jax.vmap(over_rates, in_axes=(0, 0, 0, None)))(*data, params, jnp.array(RATES))
