"""The families of a comparison, each with models of about a million parameters where its design allows it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nucleate.comparison.families.known import Known
from nucleate.comparison.families.made import Maker, Refined, Trained
from nucleate.data.table import CrystalTable
from nucleate.errors import RecipeError
from nucleate.recipes.sizes import TINY

MILLION = tuple(
    f"torus_transformer.{name}={getattr(TINY, name)}"
    for name in ("width", "layers", "heads", "pair_width", "time_width")
)
"""The network of the `tiny` recipes, for a recipe that has no such size."""


@dataclass(frozen=True)
class Family:
    """A row.

    Attributes:
        name: by which it is chosen.
        title: in tables.
        kind: of model.
        told: what it can be asked for besides a composition.
        models: one for both tasks, or one for each where the publication has two.
    """

    name: str
    title: str
    kind: str
    told: str
    models: tuple[Maker, ...]


def largest(table: CrystalTable) -> tuple[str, ...]:
    """FTCP's tensors have room for the largest cell."""
    return (f"most={int(table.sizes.max())}",)


def commonest(table: CrystalTable) -> tuple[str, ...]:
    """The GAN's cells have as many atoms as most."""
    return (f"atoms={int(np.bincount(table.sizes).argmax())}",)


def _pair(csp: str, dng: str, *settings: str) -> tuple[Trained, Trained]:
    return Trained(csp, ("csp",)), Trained(dng, ("dng",), settings)


PROPERTIES = "properties, parts, elements, symmetry"
FAMILIES = (
    Family("kldm", "KLDM", "diffusion", PROPERTIES, _pair("kldm-csp-tiny", "kldm-dng-masked-small", *MILLION)),
    Family("diffcsp", "DiffCSP", "diffusion", PROPERTIES, _pair("diffcsp-csp-tiny", "diffcsp-dng-tiny")),
    Family("flowmm", "FlowMM", "flow", PROPERTIES, _pair("flowmm-csp-tiny", "flowmm-dng-tiny")),
    Family("cdvae", "CDVAE, fast", "variational", "a latent space", (Trained("cdvae-fast-small"),)),
    Family("ftcp", "FTCP", "variational", "a latent space", (Trained("ftcp-small", fitted=largest),)),
    Family("gan", "crystal GAN", "adversarial", "elements", (Trained("crystal-gan", fitted=commonest),)),
    Family(
        "crystallm", "CrystaLLM", "autoregressive", "space group, properties", (Trained("crystallm-tiny"),)
    ),
    Family(
        "crystal-text", "text", "autoregressive", "properties, a masked element", (Trained("crystal-text-tiny"),)
    ),
    Family("flowllm", "FlowLLM", "text, then flow", "what its base is told", (Refined("flowllm-tiny"),)),
    Family("retrieval", "retrieval", "no training", "space group", (Known(("csp",)),)),
    Family("substitution", "substitution", "no training", "elements", (Known(("dng",)),)),
)  # fmt: skip


def families_named(names: Sequence[str]) -> tuple[Family, ...]:
    """Families by their names, in the order of the table; all without names. Raises RecipeError for others."""
    known = {family.name: family for family in FAMILIES}
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            suggestion = f"did you mean '{close[0]}'? " if close else ""
            raise RecipeError(f"there is no family '{name}'", f"{suggestion}families: {', '.join(known)}")
    return tuple(family for family in FAMILIES if not names or family.name in names)
