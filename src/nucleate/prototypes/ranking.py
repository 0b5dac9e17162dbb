"""A learned ranking: the probability that a candidate is the right structure.

Attention gives shares to groups of candidates (attention.py); a small network turns what is known of a group
(features.py) into a probability. Files are safetensors of some kilobytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nucleate.errors import DataError
from nucleate.files import save_tensors
from nucleate.prototypes.attention import Attention
from nucleate.prototypes.features import NAMES

KIND = "nucleate.prototypes.ranking"
TENSORS = ("vectors", "scalars", "mean", "scale", "hidden", "hidden_bias", "out", "out_bias")


@dataclass(frozen=True, eq=False)
class Ranking:
    """Attention and the network on top.

    Attributes:
        attention: learned resemblance of elements.
        mean, scale: standardisation of the numbers of a group. [numbers]
        hidden, hidden_bias: first layer. [numbers, units], [units]
        out, out_bias: second layer. [units], []
    """

    attention: Attention
    mean: np.ndarray
    scale: np.ndarray
    hidden: np.ndarray
    hidden_bias: np.ndarray
    out: np.ndarray
    out_bias: float

    def probability(self, numbers: np.ndarray) -> np.ndarray:
        """Probability that the best candidate of each group matches. [groups]"""
        inner = np.maximum((numbers - self.mean) / self.scale @ self.hidden + self.hidden_bias, 0)
        logits = np.clip(inner @ self.out + self.out_bias, -50, 50)
        return 1 / (1 + np.exp(-logits))


def save_ranking(ranking: Ranking, path: Path) -> None:
    """Write a ranking as safetensors. Raises NucleateError where it can't be written."""
    import torch

    attention = ranking.attention
    arrays = {"vectors": attention.vectors, "scalars": np.array([attention.power, attention.slope])}
    arrays |= {name: getattr(ranking, name) for name in TENSORS[2:]}
    tensors = {
        name: torch.tensor(np.ascontiguousarray(one), dtype=torch.float32) for name, one in arrays.items()
    }
    save_tensors(tensors, path, {"kind": KIND, "numbers": ",".join(NAMES)})


def load_ranking(path: Path) -> Ranking:
    """Read a ranking. Raises DataError where the file is missing, broken or for other numbers."""
    from safetensors import SafetensorError, safe_open

    hint = "make one with 'nucleate prototypes train INDEX --out FILE'"
    if not path.is_file():
        raise DataError(f"no ranking of prototypes {path}", hint)
    try:
        with safe_open(path, framework="np") as file:
            about = file.metadata() or {}
            arrays = {name: file.get_tensor(name).astype(float) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise DataError(f"{path} is no ranking that can be read ({error})", hint) from None
    if about.get("kind") != KIND or set(arrays) != set(TENSORS):
        raise DataError(f"{path} is no ranking of prototypes", hint)
    if about.get("numbers") != ",".join(NAMES):
        raise DataError(f"{path} ranks by other numbers than this version of nucleate", hint)
    power, slope = arrays.pop("scalars").tolist()
    bias = float(arrays.pop("out_bias").reshape(()))
    return Ranking(Attention(arrays.pop("vectors"), power, slope), out_bias=bias, **arrays)
