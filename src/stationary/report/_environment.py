"""Which software and which kind of device a result came from; never whose, or where."""

import importlib.metadata
import platform

_PACKAGES = ("stationary", "jax", "jaxlib", "equinox", "lineax", "optax", "numpy")


def environment() -> dict[str, str]:
    """Versions, device kind and precision of this process, fit to be published.

    Holds no path, user or host name. Starts JAX's backend if nothing has yet.

    **Returns:** short strings by name: the versions of Python and of the packages in use,
    `"system"` (kernel and machine type), `"backend"`, `"device"`, `"devices"` and `"float"`.

    !!! example
        >>> found = environment()
        >>> found["float"], "jax" in found
        ('float64', True)
    """
    import jax

    devices = jax.devices()
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "python": platform.python_version(),
        **versions,
        "system": f"{platform.system()} {platform.machine()}",
        "backend": jax.default_backend(),
        "device": devices[0].device_kind,
        "devices": str(len(devices)),
        "float": "float64" if jax.config.read("jax_enable_x64") else "float32",
    }
