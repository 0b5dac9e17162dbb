"""nucleate models: the shipped models, generators and adapters, and a model's card."""

from __future__ import annotations

from typing import Annotated

import typer

from nucleate.errors import ModelError


def models(
    name: Annotated[
        str | None, typer.Argument(help="A model, to see its card; all shipped models by default.")
    ] = None,
) -> None:
    """List the shipped models, generators and adapters, or print the card of one as JSON."""
    import json

    from nucleate.predictor.find import find_adapter, find_model, shipped_adapters, shipped_models
    from nucleate.predictor.generators import SHIPPED_ABOUT

    if name is not None:
        folder = find_adapter(name) if name in shipped_adapters() else find_model(name)
        card = folder / "card.json"
        if not card.is_file():
            raise ModelError(
                f"{name} is not a model: it has no card.json",
                "name a shipped model ('nucleate models' lists them) or a folder that training exported",
            )
        print(card.read_text(), end="")
        return
    for model, folder in shipped_models().items():
        card = json.loads((folder / "card.json").read_text())
        data, size = card["data"], f"{card['parameters'] / 1e6:.1f} M parameters"
        source = f"trained on {data['crystals']} crystals of {data['name']}"
        reach = f"{len(card['elements'])} elements, up to {card['largest_cell']} atoms"
        print("\t".join((model, card["task"], size, source, reach)))
    for generator, what in SHIPPED_ABOUT.items():
        print("\t".join((generator, "generator", what)))
    for adapter, folder in shipped_adapters().items():
        card = json.loads((folder / "card.json").read_text())
        data, size = card["data"], f"{card['parameters'] / 1e6:.1f} M parameters"
        source = f"trained on {data['crystals']} crystals of {data['name']}"
        told = f"told {', '.join(card['conditions'])}"
        print("\t".join((adapter, f"adapter of {card['base']['name']}", size, source, told)))
