"""Download model folders from the Hugging Face hub, and upload them."""

from __future__ import annotations

from pathlib import Path

from nucleate.errors import MissingPackageError, ModelError

FILES = ["weights.safetensors", "recipe.toml", "card.json"]


def fetched(name: str) -> Path:
    """The folder of the model `owner/name`, downloaded where it is not in the hub's cache.

    Raises ModelError where it can't be downloaded, MissingPackageError without huggingface-hub.
    """
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise MissingPackageError(
            "'hf:' models need huggingface-hub", "pip install 'nucleate[hub]'"
        ) from None
    try:
        return Path(snapshot_download(name, allow_patterns=FILES))
    except Exception as error:  # the hub raises many kinds, all of them about reaching or finding the model
        first = str(error).strip().splitlines()[0]
        raise ModelError(
            f"'hf:{name}' can't be fetched ({first})", "check the name and the network"
        ) from error


def push(folder: Path, name: str, model: str, private: bool = False) -> str:
    """Upload a model folder to `owner/name`; returns its address. `model` is what the commit calls it.

    Raises MissingPackageError without huggingface-hub.
    """
    try:
        from huggingface_hub import HfApi
    except ImportError:
        raise MissingPackageError(
            "push_to_hub needs huggingface-hub", "pip install 'nucleate[hub]'"
        ) from None
    api = HfApi()
    address = api.create_repo(name, private=private, exist_ok=True)
    api.upload_folder(repo_id=name, folder_path=folder, commit_message=f"nucleate model {model}")
    return str(address)
