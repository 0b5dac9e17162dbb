"""Plans that come with the package: the example, and starting points for what groups look for."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from nucleate.errors import DataError
from nucleate.files import write_whole

EXAMPLE = "example"
PLAN = "plan.toml"


def plans() -> dict[str, str]:
    """The texts of the plans, by name."""
    folder = files("nucleate.funnel").joinpath("plans")
    found = sorted((one.name.removesuffix(".toml"), one.read_text("utf-8")) for one in folder.iterdir())
    return dict(found)


def write_plan(folder: Path, name: str = EXAMPLE) -> Path:
    """Write a plan into a folder, unless one is there already, and say where.

    Raises DataError for an unknown name, NucleateError where it can't be written.
    """
    known = plans()
    if name not in known:
        raise DataError(f"no plan is called '{name}'", f"plans: {', '.join(known)}")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / PLAN
    if not path.exists():
        write_whole(path, known[name])
    return path
