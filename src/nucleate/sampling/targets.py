"""Targets: what is asked of the properties of crystals, in words or numbers, as the conditions of requests.

tc=20                       a value
band_gap=1.5..2.5           a range, drawn from as its labels are spread; 2.. and ..-1 have one end
tc=max, tc=min              a high or low value that is still populated: 99 or 1 % of the labels lie below
crystal_system=cubic        a category
element_system=Li,Fe,P,O    the elements of a crystal, which the network is told; Request.allowed enforces them
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from nucleate.data.described import Described
from nucleate.elements import ATOMIC_NUMBERS
from nucleate.errors import FormulaError, ModelError
from nucleate.geometry.noise import Noise
from nucleate.sampling.labels import Labels
from nucleate.streams import TARGETS

POPULATED = {"max": 0.99, "min": 0.01}
FEW = 0.01
"""Share of the labels at or beyond a target, or in a range, below which a warning says so."""

Value = float | tuple[int, ...]


@dataclass(frozen=True)
class Target:
    """What is asked of one property.

    Attributes:
        name: of the condition.
        one: how it is read.
        labels: how its labels are spread.
        beyond: whether it may lie outside all labels.
    """

    name: str
    one: Described
    labels: Labels
    beyond: bool = False

    def values(self, asked: Any, n: int, seed: int) -> tuple[list[Value], str]:
        """The value for each of n crystals, the first of them the same for every n, and a warning, "" for none.

        Raises FormulaError for what can't be asked.
        """
        if self.one.kind == "elements":
            return [elements(asked)] * n, ""
        if self.one.kind == "category":
            return [self._category(asked)] * n, ""
        low, high = self._span(asked)
        self._check(low, high)
        if low == high:
            return [low] * n, self._rare(
                min(1 - self.labels.share_under(low), self.labels.share_below(low)), asked
            )
        below, upto = self.labels.share_under(low), self.labels.share_below(high)
        draws = Noise.of(seed, torch.arange(n)).at(TARGETS.step()).uniform(1)[:, 0].double().numpy()
        # where no label is, any value of the range is as good
        found = (
            self.labels.quantile(below + draws * (upto - below))
            if upto > below
            else low + draws * (high - low)
        )
        return [float(value) for value in np.clip(found, low, high)], self._rare(upto - below, asked)

    def _category(self, asked: Any) -> float:
        text = str(asked)
        if text not in self.one.categories:
            shown = ", ".join(self.one.categories[:8]) + (", ..." if len(self.one.categories) > 8 else "")
            raise FormulaError(f"{self.name} can't be {text!r}", f"one of: {shown}")
        return float(self.one.categories.index(text))

    def _span(self, asked: Any) -> tuple[float, float]:
        """Both ends of a range, equal for a value. An open end is that of the labels."""
        first, last = self.labels.ends
        if isinstance(asked, tuple | list) and len(asked) == 2:
            ends = [str(asked[0]), str(asked[1])]
        else:
            text = str(asked).strip()
            if text in POPULATED:
                value = float(self.labels.quantile(np.array(POPULATED[text])))
                return value, value
            ends = text.split("..")
        try:
            low = float(ends[0]) if ends[0].strip() else first
            high = float(ends[-1]) if ends[-1].strip() else last
        except ValueError:
            low, high = 1.0, 0.0
        if len(ends) > 2 or not (np.isfinite([low, high]).all() and low <= high):
            if len(ends) == 2 and low > high and (low, high) != (1.0, 0.0):
                raise FormulaError(
                    f"{self.name}={asked} is no range: {low:g} is above {high:g}",
                    f"its labels lie between {first:g} and {last:g}",
                )
            raise FormulaError(
                f"{self.name}={asked} can't be read", "give a number, a range such as 1.5..2.5, max or min"
            )
        return low, high

    def _check(self, low: float, high: float) -> None:
        first, last = self.labels.ends
        if not self.beyond and (low > last or high < first):
            asked = f"{low:g}" if low == high else f"{low:g} to {high:g}"
            raise FormulaError(
                f"{self.name} = {asked} lies outside all {self.labels.known} labels of the training data",
                f"they go from {first:g} to {last:g}; ask beyond them with --beyond (beyond=True in Python)",
            )

    def _rare(self, share: float, asked: Any) -> str:
        """A warning for what few labels reach."""
        if share >= FEW:
            return ""
        where = (
            "lie there or beyond"
            if not isinstance(asked, tuple) and ".." not in str(asked)
            else "lie in this range"
        )
        return f"{self.name}={asked}: {100 * share:.2g} % of {self.labels.known} training rows {where}"


def elements(asked: Any) -> tuple[int, ...]:
    """Atomic numbers from `Li,Fe,P,O`, from `Li-Fe-P-O`, or from a list of symbols.

    Raises FormulaError for no element and for what is none.
    """
    if isinstance(asked, str):
        words = asked.replace("-", ",").split(",")
    elif isinstance(asked, Iterable):
        words = [str(one) for one in asked]
    else:
        raise FormulaError(f"{asked!r} is no element system", "write symbols with commas, such as Li,Fe,P,O")
    words = [word.strip() for word in words if word.strip()]
    if not words:
        raise FormulaError("an element system without elements is asked for", "name some, such as Li,Fe,P,O")
    unknown = [word for word in words if word not in ATOMIC_NUMBERS]
    if unknown:
        raise FormulaError(
            f"there is no element {', '.join(unknown)}", "write symbols with commas, such as Li,Fe,P,O"
        )
    return tuple(sorted({ATOMIC_NUMBERS[word] for word in words}))


def pairs(texts: Sequence[str] | None, option: str) -> dict[str, str]:
    """`name=value` texts as a mapping. Raises FormulaError for anything else, and for a name that comes twice."""
    found: dict[str, str] = {}
    for text in texts or []:
        name, sign, value = text.partition("=")
        if not (sign and name.strip() and value.strip()):
            raise FormulaError(f"{option} {text} is not NAME=VALUE", f"write for example {option} band_gap=2")
        if name.strip() in found:
            raise FormulaError(f"{option} names {name.strip()} twice", "give each property once")
        found[name.strip()] = value.strip()
    return found


def named(what: str, asked: Any) -> Mapping[str, Any]:
    """What is asked by the names of properties. Raises FormulaError for anything but a mapping.

    what: is asked, as it is called in Python.
    """
    if not isinstance(asked, Mapping):
        raise FormulaError(f"{what}={asked!r} names no property", f'write {what}={{"band_gap": 2}}')
    return asked


def conditions_for(
    asked: Mapping[str, Any], described: Sequence[tuple[str, Described]], card: Mapping[str, Any], n: int, seed: int,
    beyond: bool = False,
) -> tuple[list[tuple[tuple[str, Value], ...]], list[str]]:  # fmt: skip
    """The condition of each of n requests, and warnings. Raises ModelError for a property that the model does not know,
    FormulaError for what can't be asked of one."""
    known = dict(described)
    columns, warnings = [], []
    for name, value in asked.items():
        if name not in known:
            hint = f"it is told {', '.join(known)}" if known else "load an adapter for it with --adapter"
            raise ModelError(f"this model is not told '{name}'", hint)
        target = Target(name, known[name], Labels.of_card(name, card), beyond)
        values, warning = target.values(value, n, seed)
        columns.append([(name, one) for one in values])
        warnings += [warning] if warning else []
    return [tuple(row) for row in zip(*columns, strict=True)] or [()] * n, warnings


def guidance_for(
    asked: Mapping[str, Any], targets: Mapping[str, Any]
) -> tuple[tuple[str, float, float, float], ...]:
    """(name, weight, from, to) from `2` or `2@0.2-0.8`, from a number or from three of them.

    Raises FormulaError for what is no weight from 0 on, and for a property of which nothing is asked.
    """
    found = []
    for name, value in asked.items():
        if name not in targets:
            raise FormulaError(
                f"guidance of {name}, for which nothing is asked", f"give --target {name}=VALUE too"
            )
        found.append((name, *weight_of(name, value)))
    return tuple(found)


def weight_of(name: str, value: Any, what: str = "guidance") -> tuple[float, float, float]:
    """A weight and two times from `2` or `2@0.2-0.8`, from a number or from three of them. what: it is called.

    Raises FormulaError for what is none.
    """
    try:
        if isinstance(value, tuple | list):
            weight, begin, end = map(float, value)
        else:
            text, sign, span = str(value).partition("@")
            low, _, high = span.partition("-") if sign else ("0", "-", "1")
            weight, begin, end = float(text), float(low), float(high)
    except ValueError:
        raise FormulaError(
            f"{what} {name}={value} can't be read", f"write {name}=2, or {name}=2@0.2-0.8"
        ) from None
    if not (0 <= weight <= 100 and 0 <= begin < end <= 1):
        raise FormulaError(
            f"{what} {name}={value} has a weight or times that can't be",
            "give a weight from 0 to 100, and times from 0 (noise) to 1 (crystal)",
        )
    return weight, begin, end
