"""The public ways to show a solution; what they need is imported when they are called."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .._solution import Solution


def report(solution: "Solution", path: str | Path, *, resume: str = "") -> Path:
    """Write a report of a solve: one HTML file that needs nothing else.

    Statement, verdict, certificate, constraints with their multipliers, the course of the solve,
    the answer, the cost, the environment, and what to run next. Reads on a phone and in print,
    in light and dark. The file holds no machine paths, and fetches nothing.

    **Arguments:**

    - `solution`: what `solve` returned.
    - `path`: the file to write; its folder is made. It appears whole or not at all.
    - `resume`: a shell command that continues this solve, to be shown under "What next".

    **Returns:** the path.

    !!! example
        >>> import tempfile, jax.numpy as jnp, stationary as st
        >>> from stationary.report import report
        >>> solution = st.solve(st.Minimize(lambda x: jnp.sum((x - 1) ** 2)), jnp.zeros(2))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     report(solution, f"{folder}/answer.html").name
        'answer.html'
    """
    from ._page import write
    from ._report import as_page

    return write(path, as_page(solution, resume))


def as_text(solution: "Solution") -> str:
    """A solution in at most 100 columns: what was asked, how good the answer is, what it cost.

    **Arguments:**

    - `solution`: what `solve` returned. Its certificate is computed if it has not been.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> from stationary.report import as_text
        >>> text = as_text(st.solve(st.Minimize(lambda x: jnp.sum((x - 1) ** 2)), jnp.zeros(2)))
        >>> text.splitlines()[0]
        'minimise <lambda>(x)'
    """
    from ._text import render

    return render(solution)


def as_log(solution: "Solution", most: int | None = None) -> str:
    """The iteration log of a solve as a table: objective, infeasibilities, and the method's own.

    An interior point adds its barrier parameter, the size of the move, its regularisation, the
    lengths of the dual and primal steps and the line search's trials.

    **Arguments:**

    - `solution`: what `solve` returned.
    - `most`: how many rows to show, the last ones and some before; default all records.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> from stationary.report import as_log
        >>> text = as_log(st.solve(st.Minimize(lambda x: jnp.sum((x - 1) ** 2)), jnp.zeros(2)))
        >>> text.splitlines()[0].split()
        ['iter', 'objective', 'primal', 'inf', 'dual', 'inf']
    """
    from ._log import as_lines, iterations

    return "\n".join(as_lines(iterations(solution.trace, most)))


def as_html(solution: "Solution") -> str:
    """A solution as HTML that takes its colours from the notebook around it.

    **Arguments:**

    - `solution`: what `solve` returned.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> from stationary.report import as_html
        >>> text = as_html(st.solve(st.Minimize(lambda x: jnp.sum((x - 1) ** 2)), jnp.zeros(2)))
        >>> text.startswith("<div"), "&lt;lambda&gt;" in text
        (True, True)
    """
    from ._notebook import render

    return render(solution)
