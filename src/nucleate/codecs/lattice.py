"""Lattice codecs by name."""

from __future__ import annotations

from typing import Literal, get_args

from nucleate.codecs.base import LatticeCodec
from nucleate.codecs.informed import FLOWMM_ANGLES, InformedCells
from nucleate.codecs.log_lengths import MAX_ATOMS, LogLengthsTanAngles
from nucleate.codecs.logit_angles import LengthsLogitAngles
from nucleate.codecs.matrix import Matrix
from nucleate.codecs.polar import Polar
from nucleate.errors import RecipeError

LatticeRepresentation = Literal["log-lengths", "logit-angles", "matrix", "polar"]

_CODECS: dict[str, type[LatticeCodec]] = {
    "log-lengths": LogLengthsTanAngles,
    "logit-angles": LengthsLogitAngles,
    "matrix": Matrix,
    "polar": Polar,
}


def lattice_codec(
    name: str, *, standardise: bool, informed: bool = False, angles: tuple[float, float] = FLOWMM_ANGLES
) -> LatticeCodec:
    """`log-lengths` (KLDM, EquiCSP), `logit-angles` (FlowMM), `matrix` (DiffCSP, OMatG) or `polar` (CrystalFlow).

    `informed` codecs also draw cells, with angles in degrees between the bounds. Raises RecipeError for another name.
    """
    if name not in _CODECS:
        known = ", ".join(get_args(LatticeRepresentation))
        raise RecipeError(f"no lattice representation named '{name}'", f"representations: {known}")
    return _CODECS[name](standardise=standardise, informed=informed, angles=angles)


__all__ = [
    "MAX_ATOMS",
    "InformedCells",
    "LatticeCodec",
    "LatticeRepresentation",
    "LengthsLogitAngles",
    "LogLengthsTanAngles",
    "Matrix",
    "Polar",
    "lattice_codec",
]
