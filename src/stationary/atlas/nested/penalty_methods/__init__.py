"""Penalty methods for nonconvex bilevel problems, and what their gradients are worth."""

from stationary.atlas import AtLeast, AtMost, Claim, Paper, Within

_LAPTOP = frozenset({"laptop"})

paper = Paper(
    number=111,
    title=(
        "On penalty methods for nonconvex bilevel optimization and first-order stochastic "
        "approximation"
    ),
    arxiv="2309.01753",
    theme="nested problems",
    summary=(
        "When the lower problem is not convex or has constraints, is the penalised objective, the "
        "upper one plus the lower optimality gap over sigma, a good stand-in for the bilevel "
        "problem, and are its gradients close to the true hypergradient? They are, to order "
        "sigma, where a proximal error bound holds near the lower answers, and the hypergradient "
        "has a formula with a pseudo-inverse even where the lower answer is not unique."
    ),
    claims=(
        Claim(
            "penalised value",
            "a lower problem with many answers: psi_sigma = |x - 1|^2 / (2 (1 + sigma))",
            "largest error of the value, over sigma from 0.1 to 1e-6 and three x",
            AtMost(1e-10),
            source="ours",
        ),
        Claim(
            "penalised gradient",
            "the same for the gradient, by a difference of two gradients of the lower objective",
            "largest error of the gradient, over sigma from 0.1 to 1e-6 and three x",
            AtMost(1e-9),
            source="ours",
        ),
        Claim(
            "pseudo-inverse",
            "the hypergradient by the pseudo-inverse of the lower Hessian is exact at the best of "
            "many lower answers",
            "largest error over three x",
            AtMost(1e-8),
        ),
        Claim(
            "singular",
            "without a pseudo-inverse, or at another lower answer, there is no hypergradient",
            "share of six such evaluations that return a finite gradient",
            AtMost(0.0),
            source="ours",
        ),
        Claim(
            "gradient error",
            "with constraints on y: the penalised gradient is within O(sigma) of the formula",
            "largest relative distance to the derivative through the optimality conditions, at "
            "sigma 1e-4, of random box-constrained problems",
            AtMost(1e-3),
        ),
        Claim(
            "gradient order",
            "the same: halving sigma halves the distance",
            "distances at sigma 1e-3 over those at 5e-4, the median of the instances",
            Within(1.8, 2.2),
        ),
        Claim(
            "formula",
            "the explicit formula at sigma 0 is the derivative",
            "largest relative distance of the formula from central differences of psi, away from "
            "changes of the active set",
            AtMost(1e-5),
        ),
        Claim(
            "necessity",
            "without the error bound the penalised value is wrong near x = 0: f = x^2 + y^2, "
            "g = xy on [-1, 1]^2 has psi(x) = x^2 + 1, but psi_sigma(sigma) is about 3/4",
            "largest distance of psi_sigma at sigma, 2 sigma and 1/2 from 0.7501, 1.0004 and 1.25, "
            "at sigma 0.01",
            AtMost(1e-6),
            source="scaled",
        ),
        Claim(
            "error bound",
            "what is missing there is the error bound",
            "estimated constant of the bound at x = 1/2 over that at x = 0, sigma 0.01",
            AtLeast(10.0),
            source="ours",
        ),
        Claim(
            "noisy single loop",
            "one step per level with recursive momentum converges under noise",
            "mean of |grad psi|^2 over the last tenth of 50 000 steps, 16 seeds, 10 dimensions, "
            "noise of deviation 0.1 in every gradient",
            AtMost(1e-2),
            source="scaled",
            at=_LAPTOP,
        ),
    ),
    module=__name__,
)
