"""Bilevel optimisation with gradients alone: a growing penalty on the lower gap."""

from stationary.atlas import AtMost, Claim, Paper, Within

_LAPTOP = frozenset({"laptop"})

paper = Paper(
    number=51,
    title="A fully first-order method for stochastic bilevel optimization",
    arxiv="2301.10945",
    theme="nested problems",
    summary=(
        "Hypergradients usually need second derivatives of the lower problem. Here its optimality "
        "gap is a constraint with a growing multiplier: two copies of the lower unknown are "
        "tracked, one that feels the upper objective and one that does not, and the hypergradient "
        "is a difference of two gradients. It scales to whatever has gradients, with proved rates "
        "under noise in either level."
    ),
    claims=(
        Claim(
            "bias",
            "the penalised gradient misses the hypergradient by O(1 / lambda)",
            "slope of the log error against log lambda, lambda from 1e2 to 1e5, on random "
            "quadratics in 20 dimensions",
            Within(-1.02, -0.98),
        ),
        Claim(
            "rate without noise",
            "|grad F|^2 falls like k^(-2/3) at the exponents (1/3, 0)",
            "slope of log |grad F|^2 against log k, k from 1e3 to 1e5 (1e4 at smoke), on the "
            "quadratics, from x = 2",
            AtMost(-2 / 3 + 0.1),
        ),
        Claim(
            "rate with noise",
            "|grad F|^2 falls like k^(-2/7) under noise in both levels, at the exponents "
            "(5/7, 4/7)",
            "slope of the log mean of |grad F|^2 over 20 seeds against log k, k from 1e3 to 1e5, "
            "noise of deviation 0.1 in every gradient",
            AtMost(-2 / 7 + 0.08),
            at=_LAPTOP,
        ),
        Claim(
            "fixed penalty",
            "a penalty that does not grow converges elsewhere",
            "distance of x from the stationary point of the penalised objective at lambda = 10, "
            "which solves a linear system",
            AtMost(1e-6),
            source="ours",
        ),
        Claim(
            "bias floor",
            "what remains is the bias",
            "relative distance of |grad F| there from its value in closed form",
            AtMost(1e-5),
            source="ours",
        ),
        Claim(
            "hyper-cleaning loss",
            "on hyper-cleaning the method ends ahead of baselines with second derivatives",
            "validation loss over that of the implicit gradient by exact conjugate gradients, "
            "as many upper steps; 10 Gaussian classes, 2000 rows, half of the labels wrong, "
            "five seeds",
            AtMost(1.05),
            source="scaled",
            at=_LAPTOP,
        ),
        Claim(
            "hyper-cleaning time",
            "without second derivatives it is faster",
            "its seconds over those of the implicit gradient, the same runs, median",
            AtMost(1.0),
            source="scaled",
            at=_LAPTOP,
        ),
    ),
    module=__name__,
)
