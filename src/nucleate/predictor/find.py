"""Where models are: inside the package, in a folder, on the Hugging Face hub."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from nucleate.errors import MissingPackageError, ModelError


def shipped_models() -> dict[str, Path]:
    """Names and folders of the models inside the package."""
    root = Path(str(files("nucleate"))) / "shipped"
    return {path.name: path for path in sorted(root.iterdir()) if (path / "recipe.toml").exists()}


def label(name: str, folder: Path) -> str:
    """What a model is called in files: the hub's name, the folder's, or the run's with the folder's."""
    if name.startswith("hf:"):
        return name[3:]
    folder = folder.resolve()
    return f"{folder.parent.name}/{folder.name}" if folder.name.startswith("model") else folder.name


def find_model(name: str) -> Path:
    """The folder of a model: a shipped name, a model or run folder, or `hf:owner/name`.

    Raises ModelError where there is none, MissingPackageError where huggingface-hub is needed.
    """
    if name.startswith("hf:"):
        return _from_hub(name[3:])
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


def _from_hub(name: str) -> Path:
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise MissingPackageError(
            "'hf:' models need huggingface-hub", "pip install 'nucleate[hub]'"
        ) from None
    try:
        return Path(
            snapshot_download(name, allow_patterns=["weights.safetensors", "recipe.toml", "card.json"])
        )
    except Exception as error:  # the hub raises many kinds, all of them about reaching or finding the model
        first = str(error).strip().splitlines()[0]
        raise ModelError(
            f"'hf:{name}' can't be fetched ({first})", "check the name and the network"
        ) from error
