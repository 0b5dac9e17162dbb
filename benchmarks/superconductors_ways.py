"""The ways to draw of the study of superconductors, and where their draws lie."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nucleate.properties.front import Aim, aims_of
from steered_draws import Cells, Method, draw
from targets import BEST_OF, Bench, best_first

ORDERED = {"ordered": "superconductor"}
WEIGHTS = (0, 1, 2, 4)
BASE_WEIGHTS = (0, 2)
"""Guidance of the adapter for Tc of another base."""
HIGHEST = {"tc": "max"}
ASKED = {"tc": 15}
"""K, that adapters are asked for."""
SHARED = {
    "nothing asked": "nothing",
    "substitution into known superconductors": "substitution",
    f"rejection: best of {BEST_OF}": f"best of {BEST_OF}",
    "predictor pulls": "pull",
    "tc, w = 2": "adapter",
    "tc, w = 2, predictor pulls": "adapter and pull",
}
"""Ways that benchmarks/targets.py draws too, by their names there."""
SHIPPED_TC = "tc of the package, w = 2, predictor pulls, without H"
"""Its adapter has seen all labels, those of the judge too: its Tc is a trend, its energies are not."""
PULLED = {
    "predictor pulls": "pull-tc",
    "tc, w = 2, predictor pulls": "adapter-and-pull-tc",
    "ordered, predictor pulls": "ordered-pull-superconductors",
    "tc, w = 2, predictor pulls, without H": "tc-pull-without-h-superconductors",
}
"""Ways with a pull, and how the names of their folders begin."""


@dataclass(frozen=True)
class Best:
    """The best of `of` times as many draws by the predictor that pulls; of 1, the first ones as they come."""

    method: Method
    of: int


Way = Method | Best


def ways(tuned: Mapping[str, str], bases: Mapping[str, str]) -> dict[str, Way]:
    """The ways that are drawn for this study alone.

    Args:
        tuned: models that rewards tuned, by the names of their rows.
        bases: other bases, by name; `NAME-tc` in the folder of adapters is asked for Tc.
    """
    both = {
        f"ordered and tc, w = {w}": Method(
            f"ordered-tc-{w}", ("ordered", "tc"), ORDERED | ASKED, dict.fromkeys(("ordered", "tc"), w) if w else {}
        )
        for w in WEIGHTS
    }  # fmt: skip
    found: dict[str, Way] = {
        "ordered": Method("ordered", ("ordered",), ORDERED),
        **both,
        "ordered, predictor pulls": Method("ordered-pull", ("ordered",), ORDERED, {}, HIGHEST),
        "predictor pulls, gap pulled to 0": Method(
            "pull-gap", towards=HIGHEST | {"band_gap": "min"}, atoms=(2, 10)
        ),
        "tc, w = 2, predictor pulls, without H": Method(
            "tc-pull-without-h", ("tc",), ASKED, {"tc": 2}, HIGHEST, without="H"
        ),
        SHIPPED_TC: Method(
            "shipped-tc-pull-without-h", ("tc",), ASKED, {"tc": 2}, HIGHEST, without="H", shipped=True
        ),
        "nothing asked, wyckoff-mp20": Method("nothing-wyckoff", model="wyckoff-mp20"),
    }
    for name, model in bases.items():
        found |= of_base(name, model)
    return found | {name: Method(_plain(name), model=model) for name, model in tuned.items()}


def of_base(name: str, model: str) -> dict[str, Way]:
    """What is asked of another base."""
    short, adapter = _plain(name), (f"{_plain(name)}-tc",)
    nothing = Method(f"nothing-{short}", model=model)
    found: dict[str, Way] = {
        "nothing asked": Best(nothing, 1),
        f"rejection: best of {BEST_OF}": Best(nothing, BEST_OF),
        "predictor pulls": Method(f"pull-{short}", towards=HIGHEST, atoms=(2, 10), model=model),
    }
    for w in BASE_WEIGHTS:
        guidance = {"tc": w} if w else {}
        found[f"tc, w = {w}"] = Method(f"tc-{w}-{short}", adapter, ASKED, guidance, model=model)
    pulled = Method(f"tc-pull-{short}", adapter, ASKED, {"tc": 2}, HIGHEST, model=model)
    found["tc, w = 2, predictor pulls"] = pulled
    return {f"{name}: {key}": one for key, one in found.items()}


def _plain(name: str) -> str:
    """A name as it stands in those of folders: lower case, and no spaces or colons."""
    return name.lower().replace(":", "").replace(" ", "-")


def drawn(name: str, mine: Mapping[str, Way], bench: Bench, seed: int, asked: argparse.Namespace) -> Cells:
    """The crystals of one way and seed; continues what is in its folder."""
    if name in SHARED:
        return bench.drawn("tc", SHARED[name], seed)
    way, n = mine[name], asked.n
    method = way.method if isinstance(way, Best) else way
    folder: Path = asked.draws / f"{method.name}-superconductors-{n}-{seed}"
    if isinstance(way, Method):
        return draw(way, n, seed, folder, asked.halves)
    cells = draw(method, BEST_OF * n, seed, folder, asked.halves)[: way.of * n]
    return cells if way.of == 1 else best_first(cells, _aims(), ("tc",))[:n]


def _aims() -> list[Aim]:
    return list(aims_of(HIGHEST))
