"""What importing the package costs beyond importing JAX."""

import statistics
import subprocess
import sys

from ._figure import Figure, alternate, summary


def run() -> list[Figure]:
    """Seconds that `import stationary` takes beyond `import jax`, in fresh processes."""

    def importing(name: str):
        return lambda: subprocess.run([sys.executable, "-c", f"import {name}"], check=True)

    times = alternate(7, jax=importing("jax"), stationary=importing("stationary"))
    beyond = statistics.median(
        a - b for a, b in zip(times["stationary"], times["jax"], strict=True)
    )
    return [Figure("import beyond jax, s", beyond, "import jax", 0.5, None, summary(times))]
