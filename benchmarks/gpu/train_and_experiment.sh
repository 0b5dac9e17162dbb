#!/usr/bin/env bash
# One call on a GPU machine with many cores: the GPU trains a recipe, the other cores run the experiments.
#
#   python benchmarks/gpu/find_orbits.py --data data/mp_20 --out runs/gpu/last       (here, before)
#   OUT=out MINUTES=8 CALL=520 bash benchmarks/gpu/train_and_experiment.sh           (there, data/mp_20 and runs/gpu carried)
#   mkdir -p runs/experiments-there && tar xzf out/experiments.tgz -C runs/experiments-there            (here, after)
#   python benchmarks/experiments.py --data data/mp_20 --runs runs/experiments-there --minutes 7 --crystals 1000 \
#     --out benchmarks/results/experiments-minutes.json
#
# Everything of train_and_measure.sh, and: EXPERIMENT_MINUTES, of each variant; WORKERS, variants at once; ONLY, their names,
# one a line. The last command draws nothing: it judges the crystals that came back, which needs pymatgen.
set -euo pipefail
cd "$(dirname "$0")/../.."
export OUT=${OUT:?name the folder for the results} DATA=${DATA:-data/mp_20} FROM=${FROM:-runs/gpu/last}
export SITE=${SITE:-runs/gpu/site} PYTHON=${PYTHON:-python3}
EXPERIMENTS=${EXPERIMENTS:-/tmp/nucleate-experiments}
only=()
if [ -n "${ONLY:-}" ]; then mapfile -t only <<<"$ONLY"; fi
mkdir -p "$EXPERIMENTS/orbits" "$OUT"
cp -n "$FROM"/orbits-*.npz "$EXPERIMENTS/orbits/" || true
PYTHONPATH="src:$SITE${PYTHONPATH:+:$PYTHONPATH}" OMP_NUM_THREADS=1 nice -n 5 timeout "${CALL:-500}" \
  "$PYTHON" benchmarks/experiments.py --data "$DATA" --runs "$EXPERIMENTS" --minutes "${EXPERIMENT_MINUTES:-7}" \
  --crystals 1000 --workers "${WORKERS:-13}" --unjudged --out "$EXPERIMENTS/record.json" ${only[@]+--only "${only[@]}"} >"$OUT/experiments.log" 2>&1 &
beside=$!
OMP_NUM_THREADS=${OMP_NUM_THREADS:-2} bash benchmarks/gpu/train_and_measure.sh
wait "$beside" || echo "experiments ended with $?: see experiments.log" >&2
tar czf "$OUT/experiments.tgz" -C "$EXPERIMENTS" --exclude='*.ckpt' --exclude=model --exclude=model-last \
  --exclude=tensorboard --exclude=orbits-train.npz --exclude=orbits-val.npz .
ls -l "$OUT"
