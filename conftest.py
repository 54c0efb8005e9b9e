"""Settings for the tests and for the examples in docstrings, wherever pytest is started.

Nothing here imports `stationary`: pytest loads this file before the hook that checks shapes is in
place, and the hook sees only what is imported after it.
"""

import os

import jax

jax.config.update("jax_enable_x64", True)

# A test that passes must have compiled what it ran. STATIONARY_TEST_CACHE=<folder> trades that
# for speed while working on one test.
if cache := os.environ.get("STATIONARY_TEST_CACHE"):
    jax.config.update("jax_compilation_cache_dir", cache)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
else:
    jax.config.update("jax_enable_compilation_cache", False)
