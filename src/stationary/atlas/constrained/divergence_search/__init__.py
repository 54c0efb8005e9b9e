"""A line search on the divergence of the field of Newton steps."""

from stationary.atlas import AtLeast, AtMost, Claim, Paper

_LAPTOP = frozenset({"laptop"})

paper = Paper(
    number=30,
    title="Exploring an alternative line-search method for Lagrange-Newton optimization",
    arxiv="2601.08431",
    theme="constrained optimisation",
    summary=(
        "Newton's method on a Lagrangian heads for saddle points, so a line search has no "
        "objective to decrease, and merit functions need weights. The paper searches along a step "
        "for the least squared deviation of the Newton field's divergence from the value that it "
        "has wherever the Lagrangian is quadratic: a criterion without weights, zero along ravines "
        "that run through stationary points. Its author finds it hard to say how useful that is. "
        "Here: the criterion, its ravines, and the search against full Newton steps and other "
        "merits. The paper's own zigzag procedure was not available to us; the one here is "
        "reconstructed from its description."
    ),
    claims=(
        Claim(
            "zero",
            "the criterion is zero at stationary points",
            "largest (tau - 1)^2 over every stationary point that Newton's method finds from 2000 "
            "(smoke: 200) starts, on five problems of two unknowns and one equality",
            AtMost(1e-16),
        ),
        Claim(
            "elsewhere",
            "it is non-negative elsewhere",
            "nodes of a grid of 200 x 200 (smoke: 50 x 50) over [-3, 3]^2 at which it is negative "
            "or not finite, the multiplier being that of a stationary point; same five problems",
            AtMost(0),
        ),
        Claim(
            "divergence",
            "tau is -(1/n) times the divergence of the field of Newton steps",
            "largest distance between tau and the trace of the field's Jacobian by forward "
            "differentiation, over the size of that Jacobian, 200 random points of each problem",
            AtMost(1e-9),
        ),
        Claim(
            "quadratics",
            "tau = 1 everywhere for quadratics under linear constraints",
            "largest |tau - 1| over 20 random ones with 6 unknowns and 3 constraints",
            AtMost(1e-9),
        ),
        Claim(
            "powers",
            "tau = 1/(p - 1) everywhere for x^p, so it is not 1 where the Hessian is singular",
            "largest error for p = 3 to 8 between 0.1 and 3",
            AtMost(1e-12),
            source="ours",
        ),
        Claim(
            "invariance",
            "tau does not change under linear changes of variables nor with the scale of f",
            "largest change over the size of the field's Jacobian, 100 random points of "
            "Rosenbrock's and Himmelblau's function, each with a random matrix and scale",
            AtMost(1e-9),
            source="ours",
        ),
        Claim(
            "ravines",
            "ravines are connected to stationary points",
            "length of the zero curve of tau - 1 through a stationary point, the shortest of 12: "
            "circle (a plane through both), Rosenbrock, Himmelblau",
            AtLeast(1.0),
        ),
        Claim(
            "linked",
            "ravines link stationary points with each other",
            "share of the same 12 whose curve runs through another one within the window",
            AtLeast(0.5),
            source="ours",
            not_reproduced=(
                "Each stationary point has a curve of its own, on grids of 100 and of 200 nodes a "
                "side alike. On the circle the curves are y = x / (1 - 3 x^2), and the two "
                "stationary points lie on different branches. In Himmelblau's picture one of the "
                "curves is closed and the others leave the window."
            ),
        ),
        Claim(
            "search",
            "the simplest search, on a grid of eight lengths, succeeds from most starting points",
            "share of starts in [-3, 3]^n from which the gradient falls to 1e-8 within 100 "
            "iterations by the grid search; the worst of circle, Rosenbrock on a circle, HS7 and "
            "Himmelblau (smoke: of circle and Himmelblau)",
            AtLeast(0.95),
            source="ours",
        ),
        Claim(
            "valley",
            "so it does in Rosenbrock's valley",
            "the same for Rosenbrock's function without constraints",
            AtLeast(0.95),
            source="ours",
            not_reproduced=(
                "The floor of the valley, y = x^2, is the ravine itself: (tau - 1)^2 is zero all "
                "along it and grows as a step leaves it, so the search takes the shortest length "
                "of its grid, 0.05, again and again. Nothing diverges, but 100 such iterations do "
                "not bring most starts to the minimum. Golden sections between the lengths help "
                "little; steps that alternate with full ones (the reconstructed zigzag) do."
            ),
        ),
        Claim(
            "zigzag",
            "with a zigzag along ravines, the search succeeds from most starting points in all "
            "test functions",
            "the same for our reconstruction of the zigzag, the worst of those five problems",
            AtLeast(0.95),
            at=_LAPTOP,
        ),
        Claim(
            "full steps",
            "full Newton steps solve the same problems",
            "share of starts solved by full steps, the worst of the five problems (smoke: three)",
            AtLeast(1.0),
            source="ours",
        ),
        Claim(
            "no gain",
            "full Newton steps need fewer iterations than the search",
            "mean iterations of the grid search over those of full steps, from starts that both "
            "solve; the least of the five problems (smoke: three)",
            AtLeast(1.0),
            source="ours",
        ),
        Claim(
            "gradient norm",
            "the norm of the gradient is as good a merit",
            "share of starts solved under it minus share solved by the grid search, the least of "
            "the five problems (smoke: three)",
            AtLeast(0.0),
            source="ours",
            not_reproduced=(
                "It needs fewer iterations on every problem, but solves fewer starts in "
                "Rosenbrock's valley, where its steps are short as well, and a few less on the "
                "circle and HS7, where it can stall near a singular Hessian."
            ),
        ),
    ),
    module=__name__,
)
