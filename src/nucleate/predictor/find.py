"""Find models: inside the package, in a folder, on the Hugging Face hub."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from nucleate.errors import ModelError
from nucleate.predictor.hub import fetched


def shipped_models() -> dict[str, Path]:
    """Names and folders of the models inside the package."""
    root = Path(str(files("nucleate"))) / "shipped"
    return {path.name: path for path in sorted(root.iterdir()) if (path / "recipe.toml").exists()}


def label(name: str, folder: Path) -> str:
    """The name of a model in files: that on the hub, of the folder, or of the run and the folder."""
    if name.startswith("hf:"):
        return name[3:]
    folder = folder.resolve()
    return f"{folder.parent.name}/{folder.name}" if folder.name.startswith("model") else folder.name


def find_model(name: str) -> Path:
    """The folder of a model: a shipped name, a model or run folder, or `hf:owner/name`.

    Raises ModelError where there is none, MissingPackageError where huggingface-hub is needed.
    """
    if name.startswith("hf:"):
        return fetched(name[3:])
    shipped = shipped_models()
    if name in shipped:
        return shipped[name]
    folder = Path(name)
    if (folder / "model" / "recipe.toml").exists():
        return folder / "model"
    if not name or not folder.exists():
        raise ModelError(
            f"no model '{name}'", f"shipped models: {', '.join(shipped) or 'none'}; or name a model folder"
        )
    return folder


def shipped_adapters() -> dict[str, Path]:
    """Names and folders of the adapters inside the package."""
    root = Path(str(files("nucleate"))) / "shipped" / "adapters"
    return {path.parent.name: path.parent for path in sorted(root.glob("*/recipe.toml"))}


def find_adapter(name: str) -> Path:
    """The folder of an adapter: a shipped name, or a run folder or the folder of an adapter in one.

    Raises ModelError where there is none.
    """
    shipped, folder = shipped_adapters(), Path(name)
    if (folder / "model" / "recipe.toml").exists():
        return folder / "model"
    if name and (folder / "recipe.toml").exists():
        return folder
    if name in shipped:
        return shipped[name]
    raise ModelError(
        f"no adapter '{name}'",
        f"shipped adapters: {', '.join(shipped) or 'none'}; or name the folder of 'nucleate train --adapter'",
    )
