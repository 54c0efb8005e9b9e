"""How the command line sets JAX up: float64, and compiled programs kept between runs."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def cache_folder() -> Path | None:
    """Where compiled programs are kept; `None` when they are not.

    `STATIONARY_CACHE_DIR` names another folder, or `off`. Otherwise it is `stationary` in the
    user's cache folder (`XDG_CACHE_HOME`, else `~/.cache`).
    """
    own = os.environ.get("STATIONARY_CACHE_DIR")
    if own is not None:
        return None if own in ("", "off") else Path(own)
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "stationary"


@contextlib.contextmanager
def jax_settings(*, float32: bool = False) -> Iterator[None]:
    """Precision and compile cache for a command."""
    import jax

    folder = cache_folder()
    # Someone who has set JAX's own variable has said where programs go.
    if folder is not None and not os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:  # a read-only home: compile every time
            folder = None
        else:
            jax.config.update("jax_compilation_cache_dir", str(folder))
            # Most programs here compile in less than the second that JAX waits for by default.
            jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
            jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    with jax.enable_x64(not float32):
        yield
