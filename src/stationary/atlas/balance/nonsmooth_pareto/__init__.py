"""Fronts of problems with kinks: sampled subgradients, and control through max(0, y)."""

from stationary.atlas import AtLeast, AtMost, Claim, Near, Paper, Within

paper = Paper(
    number=28,
    title="Multiobjective Optimization of Non-Smooth PDE-Constrained Problems",
    arxiv="2308.01113",
    theme="several objectives",
    summary=(
        "Objectives that pull apart have a front of best compromises, and the functions or the "
        "equation behind them may have kinks: a switch, an obstacle, a maximum. Two tools compute "
        "such fronts. One samples subgradients around a point until their hull shows a direction "
        "that improves every objective. The other walks along the front of a control problem whose "
        "state equation contains max(0, y), one weighted sum or reference point after another, "
        "each started where the last ended, and again in a few modes. For whoever must show "
        "all sensible compromises and not only one."
    ),
    claims=(
        Claim(
            "rectangle",
            "descent by sampled subgradients ends in Pareto-critical points of objectives with "
            "kinks",
            "largest distance from the Pareto set [0, 2] x [0, 1] of |x - a|_1 and |x - b|_1 over "
            "100 random starts (smoke: 20) in [-5, 5]^2",
            AtMost(1e-5),
            source="scaled",
        ),
        Claim(
            "common descent",
            "every step improves every objective",
            "moves on the way of all starts that do not decrease both objectives",
            AtMost(0),
        ),
        Claim(
            "order",
            "the semismooth state equation is solved to the order of its discretisation",
            "observed order of the error for the manufactured state sin(2 pi x), kappa = 10, "
            "between 80 and 160 inner points",
            Within(1.9, 2.1),
            source="ours",
        ),
        Claim(
            "state",
            "the error of the state on the finest grid is 1.42e-4",
            "the largest error at 160 inner points",
            Near(1.42e-4, 5e-3),
            source="ours",
        ),
        Claim(
            "Newton",
            "semismooth Newton's method takes a few steps on every grid",
            "most Newton steps on 20, 40, 80 and 160 inner points",
            AtMost(5),
        ),
        Claim(
            "adjoint",
            "the adjoint with slope kappa 1{y > 0} gives the gradient",
            "relative error against central differences at a control whose state changes sign, "
            "the worse of a 1-D and a 2-D grid (smoke: 1-D)",
            AtMost(1e-6),
        ),
        Claim(
            "nondominated",
            "weighted sums along a path give mutually nondominated points",
            "dominated points among 41 weights (smoke: 21) for the states sin(pi x) and "
            "-0.5 sin(pi x), kappa = 10, sigma = 1e-3, 80 inner points",
            AtMost(0),
            source="scaled",
        ),
        Claim(
            "warm start",
            "starting each weight from the last one saves most of the work",
            "steps of the walk with tangents over the steps of cold starts, same method",
            AtMost(0.4),
            source="scaled",
        ),
        Claim(
            "linear",
            "without the kink the front is known in closed form",
            "largest error of the objectives against it at kappa = 0, all weights",
            AtMost(1e-8),
            source="ours",
        ),
        Claim(
            "reference points",
            "a reference point moved along the front finds the same front",
            "dominated points among those of both walks together",
            AtMost(0),
            source="scaled",
        ),
        Claim(
            "reduced front",
            "ten modes give the front to within a per cent",
            "largest error of the full objectives at the reduced controls, relative to the front's "
            "extent, on a 64 x 64 grid (smoke: 16 x 16), 41 weights (smoke: 11)",
            AtMost(0.01),
            source="scaled",
        ),
        Claim(
            "reduced time",
            "at a fraction of the time",
            "seconds for three full solves, the modes and 41 reduced solves over seconds for 41 "
            "full solves, all compiled",
            AtMost(0.2),
            source="scaled",
            at={"laptop"},
        ),
        Claim(
            "error bound",
            "an a-posteriori bound covers the error of the reduced states",
            "least ratio of bound to error in the energy norm, over the reduced front; 1 where the "
            "state has one sign",
            AtLeast(1 - 1e-6),
            source="scaled",
            at={"laptop"},
        ),
    ),
    module=__name__,
)
