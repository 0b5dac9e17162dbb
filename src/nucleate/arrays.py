"""The axis names of the whole library, as jaxtyping annotations.

crystals: crystals in a batch. atoms: the padded number of atoms. A mask says which atoms are real.
"""

from typing import TypeAlias

from jaxtyping import Bool, Float, Int
from torch import Tensor

PerAtom3: TypeAlias = Float[Tensor, "crystals atoms 3"]
PerAtom: TypeAlias = Float[Tensor, "crystals atoms channels"]
PerCrystal: TypeAlias = Float[Tensor, "crystals"]
Vectors: TypeAlias = Float[Tensor, "crystals channels"]
Conditions: TypeAlias = Float[Tensor, "crystals conditions"]
Cells: TypeAlias = Float[Tensor, "crystals 3 3"]
Mask: TypeAlias = Bool[Tensor, "crystals atoms"]
Species: TypeAlias = Int[Tensor, "crystals atoms"]
Sizes: TypeAlias = Int[Tensor, "crystals"]

__all__ = ["Cells", "Conditions", "Mask", "PerAtom", "PerAtom3", "PerCrystal", "Sizes", "Species", "Vectors"]
