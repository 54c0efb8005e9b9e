"""Scalable nested optimisation: tools for games and levels at the size of deep learning."""

from stationary.atlas import AtLeast, AtMost, Claim, Paper, Within

_LAPTOP = frozenset({"laptop"})

paper = Paper(
    number=110,
    title="Scalable nested optimization for deep learning",
    arxiv="2407.01526",
    theme="problems nested in one another",
    summary=(
        "Tools for nested problems with many parameters. A truncated Neumann series stands in for "
        "the inverse Hessian of the lower problem, so that millions of hyper-parameters can be "
        "tuned; a model of the lower answer, trained along, spares even that. Momentum "
        "with a complex coefficient converges whether players oppose or help one another, which "
        "no real coefficient does. "
        "Lyapunov exponents of an update map say where neighbouring runs part, and so from where "
        "to look for different solutions."
    ),
    claims=(
        Claim(
            "Neumann factor",
            "each term of the series shrinks the error by 1 - alpha * (smallest eigenvalue)",
            "relative distance of the fitted factor from that, 10 terms and more, ridge "
            "regression on generated 20 x 5 data",
            AtMost(0.01),
        ),
        Claim(
            "Neumann bound",
            "the error is at most (1 - alpha * eigenvalue)^(terms + 1) |H^-1 v| |cross derivative|",
            "largest error over its bound, up to 80 terms",
            AtMost(1.0),
        ),
        Claim(
            "Neumann products",
            "a series of K terms costs K products with the Hessian",
            "products counted in a series of seven terms, less seven",
            AtMost(0.0),
        ),
        Claim(
            "tuned loss",
            "as many hyper-parameters as weights can be tuned: a penalty per weight",
            "validation loss over that without tuning, 79 400 penalties of a 784-100-10 network "
            "on generated data, 200 upper steps",
            AtMost(0.9),
            source="scaled",
            at=_LAPTOP,
        ),
        Claim(
            "random search",
            "it does at least as well as random search in the same time",
            "validation loss over the best of random search, a penalty per layer",
            AtMost(1.0),
            source="scaled",
            at=_LAPTOP,
        ),
        Claim(
            "memory",
            "nothing is unrolled: memory does not grow with the steps",
            "working memory of a whole upper step over that of one gradient of the lower loss",
            AtMost(4.0),
            source="ours",
            at=_LAPTOP,
        ),
        Claim(
            "response slope",
            "a linear model of the lower answer learns its derivative",
            "relative error of the learned slope, ridge regression with two penalties, spread 0.02",
            AtMost(1e-3),
            source="ours",
        ),
        Claim(
            "tuned by the model",
            "tuning through the model finds the best hyper-parameters",
            "validation loss over the best of a 41 x 41 grid",
            AtMost(1.01),
            source="scaled",
        ),
        Claim(
            "cost of tuning",
            "at a fraction of the cost of a grid",
            "gradients of the lower loss over those that training takes at every point of the grid",
            AtMost(0.2),
            source="scaled",
        ),
        Claim(
            "complex momentum radii",
            "on a bilinear game at step 0.1 and modulus 0.9 momentum multiplies the distance by "
            "1.198286, 1.052984, 0.991177, 0.998789 and 1.000073 a step at phases 0, pi/8, pi/4, "
            "pi/2 and pi; where players help one another by 0.948683 at 0 and 0.947434 at pi/2",
            "largest difference of the simulated growth per step from these numbers, 100 000 steps",
            AtMost(1e-4),
            source="ours",
        ),
        Claim(
            "best coefficient",
            "the best complex coefficient and step reach 0.898 on the bilinear game",
            "smallest spectral radius of a step over a grid of phases, moduli and step sizes, "
            "refined around its best",
            AtMost(0.9),
            source="ours",
        ),
        Claim(
            "real coefficients",
            "no real coefficient converges there, positive or negative, when players move at once",
            "smallest spectral radius over a grid of real coefficients in (-1, 1) and step sizes",
            AtLeast(1 - 1e-12),
        ),
        Claim(
            "one phase for both",
            "one complex coefficient converges on the bilinear game and where players help",
            "the larger spectral radius of the two games at phase pi/2, modulus 0.9, step 0.1",
            AtMost(0.999),
        ),
        Claim(
            "logistic map",
            "the exponent of x -> 4 x (1 - x) is ln 2 = 0.693147",
            "exponents from 10 random starts, 100 000 steps each",
            Within(0.683147, 0.703147),
            source="ours",
        ),
        Claim(
            "descent exponents",
            "the exponent of gradient descent on a quadratic is log max |1 - rate curvature|",
            "largest difference from that on 20 random quadratics in 5 unknowns, 5000 steps",
            AtMost(2e-3),
            source="ours",
        ),
        Claim(
            "branching start",
            "the start with the largest exponent is where runs branch to different solutions",
            "distance of the maximiser, of 2001 starts, from the edge between the basins of "
            "descent on a double well whose edge is at 0.2 by construction",
            AtMost(1e-3),
            source="ours",
        ),
    ),
    module=__name__,
)
