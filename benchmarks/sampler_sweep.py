"""Match rate against NFE: samplers and step counts on the validation split, one small resumable job each.

    python benchmarks/sampler_sweep.py --model kldm-mp20-csp --data data/mp_20 --limit 200 --out runs/sweep-mp20

Writes benchmarks/results/sweeps/NAME.yaml and docs/images/sweep-NAME.png. Rates are of one sample under the `geometry`
protocol with 95 % Wilson intervals.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path

import yaml

SAMPLERS: dict[str, list[str]] = {
    "PC, published order": ["method=pc", "corrector=crystal"],
    "PC of the paper's text": [
        "method=pc", "corrector=crystal", "order=predictor-first", "corrects=frac", "drift_in_corrector=false",
        "predictor_lattice=em", "euler=true",
    ],
    "PC, expected step": ["method=pc", "corrector=expected"],
    "PC, expected step, no drift": ["method=pc", "corrector=expected", "drift_in_corrector=false"],
    "PC, expected step, lattice by EM": [
        "method=pc", "corrector=expected", "corrects=frac", "predictor_lattice=em", "euler=true",
    ],
    "PC, predictor first": ["method=pc", "corrector=crystal", "order=predictor-first"],
    "PC, no drift in the corrector": ["method=pc", "corrector=crystal", "drift_in_corrector=false"],
    "PC, finer near the data": ["method=pc", "corrector=crystal", "power=1.5"],
    "PC, expected step, tau 0.1, no drift": [
        "method=pc", "corrector=expected", "tau=0.1", "drift_in_corrector=false",
    ],
    "EM": ["method=em"],
    "EM, Euler for the lattice": ["method=em", "euler=true"],
    "EM, finer near the data": ["method=em", "power=1.5"],
    "ODE": ["method=ode", "anneal_frac=0"],
    "Heun": ["method=heun", "anneal_frac=0"],
    "multistep": ["method=multistep", "anneal_frac=0"],
    "multistep, finer near the data": ["method=multistep", "anneal_frac=0", "power=1.5"],
    "multistep, annealed 5": ["method=multistep", "anneal_frac=5"],
    "multistep, annealed 10": ["method=multistep", "anneal_frac=10"],
    "multistep, annealed 10, finer near the noise": ["method=multistep", "anneal_frac=10", "power=0.7"],
    "multistep, annealed 20, finer near the noise": ["method=multistep", "anneal_frac=20", "power=0.7"],
    "multistep, annealed 20, much finer near the noise": ["method=multistep", "anneal_frac=20", "power=0.5"],
    "multistep, annealed, from t = 0.15": [
        "method=multistep", "anneal_frac=20", "anneal_lattice=10", "power=0.6", "start=0.15",
    ],
    "multistep, annealed, from t = 0.2": [
        "method=multistep", "anneal_frac=20", "anneal_lattice=10", "power=0.6", "start=0.2",
    ],
    "ODE, annealed 5": ["method=ode", "anneal_frac=5"],
    "as shipped": [],
}  # fmt: skip
PLAIN = ("power=1", "start=0", "anneal_lattice=0")
"""What a sampler has that does not name it otherwise, whatever the model's own has."""


def nucleate(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "nucleate.cli.main", *words], check=True, stdout=subprocess.DEVNULL)


def measure(asked: argparse.Namespace, name: str, settings: list[str], nfe: int) -> dict:
    """One point: predict, judge, read the numbers."""
    steps = nfe // 2 if settings[:1] in (["method=pc"], ["method=heun"]) else nfe
    length = ("--steps", str(steps)) if settings else ("--nfe", str(nfe))
    folder = asked.out / f"{name.replace(', ', '-').replace(' ', '-')}-{nfe}"
    report = folder / "evaluation.json"
    if not report.exists():
        named = {one.split("=")[0] for one in settings}
        plain = [one for one in PLAIN if settings and one.split("=")[0] not in named]
        changes = [word for setting in [*settings, *plain] for word in ("--set", setting)]
        nucleate(
            "predict", "--like", str(asked.data), "--split", asked.split, "--limit", str(asked.limit), "--model",
            asked.model, *length, *changes, "--threads", str(asked.threads), "--out", str(folder),
        )  # fmt: skip
        nucleate(
            "evaluate", "csp", str(folder), "--reference", str(asked.data), "--split", asked.split, "-k", "1",
            "--protocol", "geometry", "--no-metre", "--workers", str(asked.threads), "--json", str(report),
        )  # fmt: skip
    found = json.loads(report.read_text())["geometry"]
    return {
        "sampler": name,
        "settings": settings,
        "nfe": nfe,
        **{k: found[k] for k in ("match_rate@1", "rmse@1")},
    }


def draw(points: list[dict], path: Path, title: str) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(11, 4))
    for name in dict.fromkeys(p["sampler"] for p in points):
        mine = [p for p in points if p["sampler"] == name]
        for axis, key, scale in zip(axes, ("match_rate@1", "rmse@1"), (100, 1), strict=True):
            values = [scale * p[key]["value"] for p in mine]
            spread = [[scale * abs(p[key][e] - p[key]["value"]) for p in mine] for e in ("low", "high")]
            axis.errorbar(
                [p["nfe"] for p in mine], values, spread, marker="o", ms=4, capsize=2, lw=1, label=name
            )
    for axis, label in zip(axes, ("match rate at 1 sample, %", "RMSE of the matches"), strict=True):
        axis.set(xscale="log", xlabel="NFE", ylabel=label)
        costs = sorted({p["nfe"] for p in points})
        axis.set_xticks(costs, [str(cost) for cost in costs])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[1].legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.suptitle(title)
    figure.tight_layout()
    figure.savefig(path, dpi=140)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--nfe", type=int, nargs="+", default=[50, 100, 200])
    parser.add_argument("--samplers", nargs="+", default=list(SAMPLERS), choices=list(SAMPLERS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name", required=True)
    asked = parser.parse_args()
    points = [measure(asked, name, SAMPLERS[name], nfe) for nfe in asked.nfe for name in asked.samplers]
    record = {
        "name": asked.name, "model": asked.model, "data": asked.data.name, "split": asked.split,
        "crystals": asked.limit, "protocol": "geometry", "k": 1, "seed": 0, "points": points,
        "command": shlex.join(["python", "benchmarks/sampler_sweep.py", *sys.argv[1:]]),
    }  # fmt: skip
    results = Path("benchmarks/results/sweeps")
    results.mkdir(parents=True, exist_ok=True)
    (results / f"{asked.name}.yaml").write_text(yaml.safe_dump(record, sort_keys=False))
    draw(
        points,
        Path(f"docs/images/sweep-{asked.name}.png"),
        f"{asked.model}, {asked.limit} validation crystals",
    )


if __name__ == "__main__":
    main()
