"""`python -m benchmarks [--out FILE.json] [name ...]`; `python -m benchmarks nlp --help`."""

import argparse
import dataclasses
import datetime
import importlib
import importlib.metadata
import json
import os
import platform
import sys
from pathlib import Path

import jax
from rich.console import Console
from rich.table import Table

from ._figure import Figure

NAMES = ("chunks", "traces", "imports", "batch", "single", "first", "saddle")
# By name only; what follows the name are their own options.
LONG = ("balance", "bilevel", "front", "lagrangians", "nested", "nlp")


def machine() -> dict[str, object]:
    """What the figures were measured on, and how busy it was."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].partition(":")[2].strip() if lines else model
    packages = (
        "jax",
        "jaxlib",
        "equinox",
        "optax",
        "scipy",
        "pymoo",
        "cyipopt",
        "sif2jax",
        "basisgen",
        "pyarrow",
        "stationary",
    )
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": platform.system(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in packages},
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def table(figures: dict[str, list[Figure]]) -> Table:
    """The figures, a row each."""
    columns = Table("benchmark", "figure", "measured", "target", "met", "against")
    for name, rows in figures.items():
        for row in rows:
            met = "" if row.met is None else "yes" if row.met else "no"
            columns.add_row(name, row.name, f"{row.measured:.4g}", row.target, met, row.peer)
    return columns


def main() -> None:
    """Run benchmarks, print their figures, and write them to a file if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(NAMES + LONG)}")
    parser.add_argument("--out", type=Path, help="a JSON file for the figures")
    given = sys.argv[1:]
    end = next((i + 1 for i, name in enumerate(given) if name in LONG), len(given))
    options, own = parser.parse_args(given[:end]), given[end:]
    unknown = set(options.names) - {*NAMES, *LONG}
    if unknown:
        parser.error(
            f"no benchmark is called {', '.join(sorted(unknown))}: {', '.join(NAMES + LONG)}"
        )

    jax.config.update("jax_enable_x64", True)
    console = Console()
    where, figures = machine(), {}
    for name in options.names or NAMES:
        console.print(f"[dim]{name} ...[/]")
        module = importlib.import_module(f"{__package__}.{name}")
        figures[name] = module.run(own) if name in LONG else module.run()
    console.print(table(figures))
    console.print(
        f"{where['processor']}, {where['cores']} cores, load {where['load']} at the start"
    )
    if options.out is not None:
        rows = {
            name: [dataclasses.asdict(f) | {"met": f.met} for f in own]
            for name, own in figures.items()
        }
        options.out.write_text(json.dumps({"machine": where, "figures": rows}, indent=2) + "\n")
        console.print(str(options.out))


if __name__ == "__main__":
    main()
