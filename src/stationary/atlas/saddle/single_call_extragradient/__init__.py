"""Single-call extra-gradient methods: one operator call per step instead of two."""

from stationary.atlas import AtLeast, AtMost, Claim, Near, Paper, Within

_LAPTOP = frozenset({"laptop"})

paper = Paper(
    number=97,
    title="On the convergence of single-call stochastic extra-gradient methods",
    arxiv="1908.08465",
    theme="saddle points and games",
    summary=(
        "Extragradient asks for the operator twice per step. Past extragradient, the reflected "
        "gradient and the optimistic gradient ask once, and keep the 1/t rate of the average for "
        "monotone Lipschitz variational inequalities and of the last iterate under noise near a "
        "regular solution. They are for GANs, games and saddle points where an operator call is "
        "the cost."
    ),
    claims=(
        Claim(
            "identity",
            "without constraints and at a constant step, the three methods are one",
            "largest difference between the half-points of any two methods, over 200 steps on a "
            "random affine operator in 30 dimensions",
            AtMost(1e-12),
        ),
        Claim(
            "difference",
            "with constraints they are three methods",
            "smallest, over pairs of methods, of the largest difference between half-points in "
            "100 steps of random 5 x 5 matrix games on simplices, from a corner",
            AtLeast(1e-6),
        ),
        Claim(
            "calls",
            "one call does the work of two: on f(x, y) = xy at step 0.45 the contraction per call "
            "is 0.847316 against the square root of 0.915700, 3.76 times as fast",
            "operator calls of extragradient over those of past extragradient until |X| < 1e-10",
            Within(3.3, 4.2),
            source="ours",
        ),
        Claim(
            "last iterate",
            "on f(x, y) = xy at step 0.3 the last iterate converges linearly, at 0.948683 a step",
            "|X_1001| of past extragradient from (1, 1), first half-step with V(X_1), against the "
            "closed form of the linear recursion",
            Near(1.893e-23, 1e-3),
            source="ours",
        ),
        Claim(
            "bound",
            "past extragradient: Err_R of the averaged half-points is at most "
            "(R^2 + |X_1 - X_1/2|^2) / (2 g N) when g < 1/(2 beta)",
            "largest Err_R over its bound, R the distance to the farthest corner, over random "
            "monotone affine operators in a box and N up to 1000 (300 at smoke)",
            AtMost(1.0),
        ),
        Claim(
            "ergodic rate",
            "the averaged half-points converge like 1/t on monotone problems",
            "slope of the log duality gap against log N, N from 100 to 10 000 (3000 at smoke), of "
            "past extragradient on random 10 x 10 matrix games over simplices",
            Within(-1.1, -0.9),
        ),
        Claim(
            "noise rate",
            "strongly monotone with noise, at steps g/(t + b): E|X_t - x*|^2 falls like 1/t",
            "slope of the log mean square distance against log t, t from 1000 to 100 000, from 256 "
            "runs per seed of past extragradient (alpha 1, beta 10, sigma 1, g 2, b 80)",
            Within(-1.1, -0.9),
            at=_LAPTOP,
        ),
        Claim(
            "noise constant",
            "the same, with the constant 6 g^2 sigma^2 / (alpha g - 1) = 24",
            "t times the mean square distance at t = 100 000 (5000 at smoke), 256 runs per seed",
            AtMost(24.0),
        ),
        Claim(
            "GAN",
            "in the training of GANs the optimistic form of Adam does better than Adam",
            "moment error of optimistic Adam over Adam's on a GAN of 2-dimensional Gaussian data, "
            "each at its best of ten settings; we ask for half",
            AtMost(0.5),
            source="ours",
            at=_LAPTOP,
        ),
    ),
    module=__name__,
)
