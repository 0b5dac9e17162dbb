"""Reward files: what is wrong is said in one sentence with a hint, before anything is drawn."""

from __future__ import annotations

import pytest

from nucleate.errors import NucleateError
from nucleate.rewards import read_reward
from tests.plug_ins import call, package

DENSE = '[parts.d]\nkind = "density"\nshape = "at-least"\nvalue = 8\nwidth = 2\n'


def part(kind: str, **values: str) -> str:
    return "\n".join(
        [f'[parts.x]\nkind = "{kind}"', *(f"{name} = {value}" for name, value in values.items())]
    )


SHAPED = {"shape": '"saturating"', "value": "1"}
WRONG = {
    "not TOML": "[parts",
    "unknown at the top": 'combined = "product"\n' + DENSE,
    "combine": 'combine = "sum"\n' + DENSE,
    "no parts": "",
    "parts is no table": "parts = 3",
    "part is no table": "[parts]\nd = 3",
    "no kind": "[parts.x]\nweight = 1",
    "unknown kind": part("tc"),
    "unknown setting": part("density", colour='"red"', **SHAPED),
    "unknown shape": part("density", shape='"round"'),
    "no shape": part("density"),
    "no width": part("density", shape='"target"', value="1"),
    "width 0": part("density", shape='"target"', value="1", width="0"),
    "value is a word": part("density", shape='"target"', value='"much"', width="1"),
    "weight 0": DENSE + "weight = 0",
    "negative weight": DENSE + "weight = -1",
    "weight is a word": DENSE + 'weight = "big"',
    "no predictor": part("predictor", **SHAPED),
    "predictor that there is not": part("predictor", model='"property-of-nothing"', **SHAPED),
    "predictor that draws": part("predictor", model='"kldm-mp20-dng"', **SHAPED),
    "range": part("predictor", model='"property-tc-first"', range="[3, 1]", **SHAPED),
    "doubt": part("predictor", model='"property-tc-first"', range="[0, 1]", doubt="-1", **SHAPED),
    "potential": part("energy-above-hull", potential='"none"', reference='"data"', **SHAPED),
    "no reference": part("energy-above-hull", **SHAPED),
    "reference that there is not": part("energy-above-hull", reference='"nowhere"', **SHAPED),
    "no data to be new to": part("novelty"),
    "novelty of what": part("novelty", reference='"data"', of='"colour"'),
    "space group 231": part("space-group", numbers="[231]"),
    "no element": part("elements"),
    "element that there is not": part("elements", elements='["Xx"]'),
    "function that there is not": part("function", name='"hardness"', **SHAPED),
    "unknown gate": DENSE + "[gates]\nclosest = 1",
    "volumes": DENSE + "[gates]\nvolume_per_atom = [9, 5]",
    "three atoms": DENSE + "[gates]\natoms = [1, 2, 3]",
    "deny-list": DENSE + '[gates]\nwithout = ["Xx"]',
    "share": DENSE + "[gates]\nlargest_systems = 1.5",
    "gates is no table": "gates = 3\n" + DENSE,
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG.keys())
def test_wrong_files(tmp_path, text):
    path = tmp_path / "reward.toml"
    path.write_text(text)
    with pytest.raises(NucleateError) as caught:
        read_reward(path)
    assert caught.value.hint
    assert "\n" not in caught.value.message


def test_no_file(tmp_path):
    with pytest.raises(NucleateError, match="can't be read"):
        read_reward(tmp_path / "none.toml")


def test_a_function_of_another_package(tmp_path):
    text = "import numpy as np\n\n\ndef heavy(cells):\n    return np.array([cell.species.max() for cell in cells])\n"
    package(tmp_path / "packages", "heavy_reward", text, "nucleate.rewards", heavy="heavy")
    path = tmp_path / "reward.toml"
    path.write_text(part("function", name='"heavy"', shape='"saturating"', value="11"))
    done = call(tmp_path / "packages", ["tune", "property-tc-first", "--reward", str(path), "--out", "x"])
    # the reward was read; the model is what is refused
    assert "predicts tc of crystals and draws none" in done.stderr, done.stderr
