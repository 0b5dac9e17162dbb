"""Adapters of large language models: with a tiny random model made on the spot, where the packages are installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from nucleate.errors import MissingPackageError, ModelError
from nucleate.families.choice import Choice
from nucleate.families.crystal_text.adapted import AdaptedTrainable
from nucleate.geometry.noise import Noise
from nucleate.predictor import load
from nucleate.recipes.registry import get_recipe
from nucleate.runs.devices import Hardware
from nucleate.runs.model_folder import read_weights
from nucleate.runs.train import train_recipe
from nucleate.sampling.generator import Failure, Generated
from nucleate.sampling.request import Request
from tests.training.tiny import losses, mixed_sizes, random_table, write_dataset

SETTINGS = ["training.batch=8", "training.warmup=2", "training.ema=0.5", "training.validate_every=6",
            "training.checkpoint_every=6", "training.learning_rate=0.01",
            "sampler.words=20", "sampler.tries=1"]  # fmt: skip


def test_without_the_packages_there_is_a_sentence_and_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MissingPackageError, match="need the packages transformers and peft") as error:
        get_recipe("crystal-text-llm").build()
    assert error.value.hint == "pip install 'nucleate[language]'"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of two small layers with a word for each byte."""
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("peft")
    tokenizers = pytest.importorskip("tokenizers")
    words = {chr(number): number for number in range(128)} | {"</s>": 128, "<unk>": 129}
    plain = tokenizers.Tokenizer(tokenizers.models.BPE(words, [], unk_token="<unk>"))
    plain.decoder = tokenizers.decoders.Fuse()
    tokeniser = transformers.PreTrainedTokenizerFast(
        tokenizer_object=plain, eos_token="</s>", unk_token="<unk>", clean_up_tokenization_spaces=False
    )
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=130, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=1024, eos_token_id=128, bos_token_id=None,
    )  # fmt: skip
    where = tmp_path_factory.mktemp("llama")
    transformers.LlamaForCausalLM(config).save_pretrained(where)
    tokeniser.save_pretrained(where)
    return where


def test_a_run_trains_the_adapter_alone_and_draws(folder: Path, tmp_path: Path) -> None:
    table = random_table(mixed_sizes(24))
    data = write_dataset(tmp_path / "data", train=table, val=table.select([*range(6)]))
    recipe = get_recipe("crystal-text-llm", [*SETTINGS, f"folder={folder}"])
    before = AdaptedTrainable(str(folder), 8, 32.0, 0.0)
    train_recipe(
        recipe, data, tmp_path / "run", epochs=6, hardware=Hardware(accelerator="cpu"), visible=False
    )
    assert losses(tmp_path / "run")[-1]["val/total"] < losses(tmp_path / "run")[0]["val/total"]
    saved = read_weights(tmp_path / "run" / "model" / "weights.safetensors")
    assert saved.keys() == before.state_dict().keys()
    assert all("lora" in name for name in saved)
    predictor = load(tmp_path / "run")
    asked = [Request((3, 8), "LiO", "LiO", 0), Request((0, 0), "new", "", 1)]
    answers = [one for batch in predictor.draw(asked, seed=1) for one in batch]
    assert len(answers) == 2
    assert all(isinstance(one, Generated | Failure) and one.cost.nfe > 0 for one in answers)


def test_draws_are_those_of_the_model(folder: Path) -> None:
    """Keys and values of earlier words change nothing: the same words by whole texts."""
    model = AdaptedTrainable(str(folder), 4, 8.0, 0.0).eval()
    noise, prompt = Noise.of(0, torch.tensor([5])), "Below is"
    text, words, _ = model.continued(prompt, noise, Choice(top_k=1), 12)
    told = model.words(prompt)
    for _ in range(words - len(told)):
        told.append(int(model.whole(input_ids=torch.tensor([told])).logits[0, -1].argmax()))
    assert model.tokeniser.decode(told[len(prompt) :]) == text


def test_what_is_no_model_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no folder of a language model"):
        AdaptedTrainable(str(tmp_path), 8, 32.0, 0.0)
