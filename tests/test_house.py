"""The house: what the README promises exists, nothing leaks from the machine it was written on, make does its work."""

from __future__ import annotations

import ast
import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").rglob("*.md")
)
HEAVY = ("torch", "numpy", "pymatgen", "pandas", "ase", "pyarrow", "lightning", "matplotlib")


def command_tree() -> Any:
    from nucleate.cli.main import app

    return typer.main.get_command(app)


def leaves(command: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Every command that does something, by the words that call it."""
    children = getattr(command, "commands", None)
    if children is None:
        return {path: command}
    return {
        words: leaf
        for name, child in children.items()
        for words, leaf in leaves(child, (*path, name)).items()
    }


COMMANDS = leaves(command_tree())


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def shell_calls() -> list[tuple[str, str]]:
    """Each call of nucleate in a shell block of the documentation: page and line."""
    calls = []
    for page in PAGES:
        for block in blocks(page.read_text(), "(?:sh|bash|console)"):
            for line in block.replace("\\\n", " ").splitlines():
                words = line.strip().removeprefix("$ ").removeprefix(".venv/bin/")
                if words.startswith("nucleate "):
                    calls.append((page.relative_to(ROOT).as_posix(), words))
    return calls


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_readme_lists_exactly_the_commands_there_are() -> None:
    listed = set(re.findall(r"^\| `nucleate ([a-z ]+)` \|", README, flags=re.MULTILINE))
    assert listed == {" ".join(words) for words in COMMANDS}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_of_every_command(words: tuple[str, ...]) -> None:
    call = [sys.executable, "-m", "nucleate.cli.main", *words, "--help"]
    result = subprocess.run(call, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert f"nucleate {' '.join(words)}" in result.stdout.replace("nucleate.cli.main", "nucleate")
    assert not result.stderr


def test_documentation_shows_calls() -> None:
    assert len(shell_calls()) >= 5


@pytest.mark.parametrize(("page", "line"), shell_calls())
def test_calls_in_the_documentation_name_real_commands_and_options(page: str, line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    usual = [("discover", "run")] if words[0] == "discover" else []
    path = next((one for one in (tuple(words[:2]), tuple(words[:1]), *usual) if one in COMMANDS), None)
    assert path, f"{page}: no such command: {line}"
    known = {option for parameter in COMMANDS[path].params for option in parameter.opts} | {"--help", "-h"}
    used = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    assert used <= known, f"{page}: {line}"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from nucleate.cli.main import app; sys.argv = ['nucleate', '--help']\n"
        "try: app()\nexcept SystemExit as end: assert not end.code\n"
        f"print('heavy:', sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "heavy: []"


def test_python_example_of_the_readme_fits_the_library() -> None:
    from nucleate import predictor

    (example,) = blocks(README, "python")
    calls = [node for node in ast.walk(ast.parse(example)) if isinstance(node, ast.Call)]
    targets = {"nucleate.load": inspect.signature(predictor.load)}
    for name in ("predict", "predict_atoms"):
        signature = inspect.signature(getattr(predictor.Predictor, name))
        own = [parameter for parameter in signature.parameters.values() if parameter.name != "self"]
        targets[f"model.{name}"] = signature.replace(parameters=own)
    checked = set()
    for call in calls:
        name = ast.unparse(call.func)
        if name in targets:
            keywords = {keyword.arg or "": None for keyword in call.keywords}
            targets[name].bind(*[None] * len(call.args), **keywords)
            checked.add(name)
    assert checked == set(targets)


def test_shipped_default_model_is_named_in_the_readme() -> None:
    from nucleate.predictor import DEFAULT_MODEL

    assert f'nucleate.load("{DEFAULT_MODEL}")' in README


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


def test_every_folder_is_on_the_map() -> None:
    (drawing,) = [block for block in blocks((ROOT / "docs/index.md").read_text(), "") if "predictor" in block]
    package = ROOT / "src/nucleate"
    parts = {
        path.stem for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    missing = {name for name in parts - {"__init__"} if not re.search(rf"\b{name}\b", drawing)}
    assert not missing


def test_no_traces_of_a_machine_in_tracked_files() -> None:
    places = r"(?<![\w.:/-])/(?:root|home|Users|work|workspace)/[\w.]+"
    hosts = r"\b(?:pypi\.org|files\.pythonhosted\.org|registry\.npmjs\.org|conda\.anaconda\.org)\b"
    this = Path(__file__).resolve()
    found = []
    for path in tracked_files():
        content = path.read_bytes()
        if path.resolve() == this or b"\0" in content[:8192]:
            continue
        for match in re.finditer(f"{places}|{hosts}", content.decode("utf-8", errors="replace")):
            found.append(f"{path.relative_to(ROOT)}: {match.group()}")
    assert not found


def test_versions_agree() -> None:
    import nucleate

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == nucleate.__version__


FAKE_PYTHON = """#!/bin/sh
echo "$@" >> "$NUCLEATE_TEST_LOG"
if [ "$2" = pip ]; then echo "WARNING: nobody can mend this" >&2; [ ! -e broken ] || exit 7; fi
if [ "$1" = -m ] && [ "$2" = venv ]; then mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; fi
"""


@pytest.fixture
def make(tmp_path: Path):
    """Runs make in a copy of the Makefile with an interpreter that only writes down what it was asked."""
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    python, log = tmp_path / "fake-python", tmp_path / "log"
    python.write_text(FAKE_PYTHON)
    python.chmod(0o755)

    def run(*words: str) -> tuple[subprocess.CompletedProcess, list[str]]:
        log.write_text("")
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))
        }
        environment["NUCLEATE_TEST_LOG"] = str(log)
        result = subprocess.run(
            ["make", *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        return result, log.read_text().splitlines()

    run.python, run.folder = python, tmp_path
    return run


def test_make_setup_installs_torch_first_and_once(make) -> None:
    result, asked = make("setup", f"PYTHON={make.python}")
    assert result.returncode == 0, result.stderr
    installs = [line for line in asked if " install " in line]
    assert "torch==" in installs[0]
    assert installs[1].endswith("-e .[dev]")
    assert len(installs) == 2
    assert make("setup", f"PYTHON={make.python}")[1] == []


def test_make_shows_what_pip_says_only_where_it_fails(make) -> None:
    (make.folder / "broken").touch()
    result, asked = make("setup", f"PYTHON={make.python}")
    assert result.returncode != 0
    assert "WARNING: nobody can mend this" in result.stderr
    assert "error: pip could not install 'torch==" in result.stderr
    assert "hint: " in result.stderr
    (make.folder / "broken").unlink()
    result, asked = make("setup", f"PYTHON={make.python}")
    assert result.returncode == 0, result.stderr
    assert len([line for line in asked if " install " in line]) == 2
    assert "WARNING" not in result.stderr + result.stdout
    assert "installing -e '.[dev]'" in result.stderr


def test_make_setup_installs_again_only_for_a_changed_pyproject(make) -> None:
    make("setup", f"PYTHON={make.python}")
    project = make.folder / "pyproject.toml"
    project.touch()
    assert make("setup")[1] == []
    project.write_text(project.read_text() + "\n# changed\n")
    _, asked = make("setup")
    assert len(asked) == 1
    assert asked[0].endswith("-e .[dev]")


def test_make_names_the_python_it_needs(make) -> None:
    python = make.folder / "old-python"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    result, _ = make("demo", f"PYTHON={python}")
    assert result.returncode != 0
    assert "error: no usable Python" in result.stderr
    assert "hint: install Python 3.11" in result.stderr
    assert not (make.folder / ".venv").exists()


def test_ci_runs_make_test() -> None:
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    assert script.read_text().rstrip().endswith("make test")
