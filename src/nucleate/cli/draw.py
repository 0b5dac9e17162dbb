"""nucleate draw: a trajectory or a file of structures as a strip of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucleate.errors import DataError


def draw(
    file: Annotated[Path, typer.Argument(help="Extended XYZ, for example from predict --trajectory.")],
    out: Annotated[Path, typer.Option(help="Picture: .png, .svg or .pdf.")] = Path("crystal.png"),
    frames: Annotated[int, typer.Option(min=1, help="How many frames, spread over the file.")] = 6,
) -> None:
    """Draw the way from noise to a crystal."""
    import numpy as np

    from nucleate.cli.console import say
    from nucleate.data.extxyz import read_sound_frames
    from nucleate.pictures import check_picture, draw_strip

    if not file.is_file():
        raise DataError(f"no file {file}", "make one with 'nucleate predict FORMULA --trajectory'")
    check_picture(out)
    found = enumerate(read_sound_frames(file.read_text(errors="replace"), file.name))
    every = [(number, info, cell) for number, (info, cell) in found]
    usable = [(number, info, cell) for number, info, cell in every if cell is not None and cell.finite]
    if every and not usable:
        raise DataError(
            f"none of the {len(every)} frames of {file} can be drawn: their numbers are not finite or not there",
            "give a file with at least one sound structure",
        )
    if len(usable) < len(every):
        say(
            f"{len(every) - len(usable)} of {len(every)} frames are left out: numbers not finite or not there"
        )
    places = np.linspace(0, len(usable) - 1, min(frames, len(usable))).round()
    chosen = [usable[int(place)] for place in places]
    titles = [_title(number, info.get("t", "")) for number, info, _ in chosen]
    draw_strip([cell for *_, cell in chosen], titles, out)
    print(out)


def _title(number: int, time: str) -> str:
    try:
        return f"t = {float(time):.2f}"
    except ValueError:
        return f"frame {number}"
