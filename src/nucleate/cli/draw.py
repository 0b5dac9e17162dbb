"""nucleate draw: a trajectory or a file of structures as a strip of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def draw(
    file: Annotated[Path, typer.Argument(help="Extended XYZ, for example from predict --trajectory.")],
    out: Annotated[Path, typer.Option(help="Picture: .png, .svg or .pdf.")] = Path("crystal.png"),
    frames: Annotated[int, typer.Option(min=1, help="How many frames, spread over the file.")] = 6,
) -> None:
    """Draw the way from noise to a crystal."""
    import numpy as np

    from nucleate.errors import DataError
    from nucleate.metrics.extxyz import read_frames
    from nucleate.pictures import draw_strip

    if not file.is_file():
        raise DataError(f"no file {file}", "make one with 'nucleate predict FORMULA --trajectory'")
    cells = [cell for _, cell in read_frames(file.read_text(), file.name) if cell is not None]
    chosen = (
        sorted({int(i) for i in np.linspace(0, len(cells) - 1, min(frames, max(1, len(cells)))).round()})
        if cells
        else []
    )
    titles = [f"t = {i / max(1, len(cells) - 1):.2f}" for i in chosen]
    draw_strip([(cells[i].numbers, cells[i].frac, cells[i].lattice) for i in chosen], titles, out)
    print(out)
