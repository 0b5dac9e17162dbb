#!/usr/bin/env bash
# Train a recipe on a GPU machine in calls of a few minutes, and bring back what is needed to resume.
#
#   OUT=out RECIPE=nucleate-csp MINUTES=25 CALL=500 bash benchmarks/gpu/train_and_measure.sh
#
# For a data set whose crystals are ordered by orbits (nucleate-csp), first, here:
#   python benchmarks/gpu/find_orbits.py --data data/mp_20 --out runs/gpu/last
# Each call resumes from $FROM (what the last call left under $OUT), trains for CALL seconds of a run of MINUTES minutes
# in all, measures training and sampling, and leaves in $OUT: state.00.. (at most 15 MB each), progress.json, run.tgz,
# report.json, predictions.extxyz. Afterwards `python benchmarks/gpu/compact.py unpack $OUT RUN` makes a run folder of it.
# Packages that the machine lacks may lie in $SITE; see benchmarks/gpu/README.md.
set -euo pipefail
cd "$(dirname "$0")/../.."
OUT=${OUT:?name the folder for the results}
RECIPE=${RECIPE:-nucleate-csp}
DATA=${DATA:-data/mp_20}
RUN=${RUN:-/tmp/nucleate-gpu-run}
FROM=${FROM:-runs/gpu/last}
SITE=${SITE:-runs/gpu/site}
MINUTES=${MINUTES:-25}
CALL=${CALL:-500}
CRYSTALS=${CRYSTALS:-1024}
STEPS=${STEPS:-}
ACCELERATOR=${ACCELERATOR:-auto}
PYTHON=${PYTHON:-python3}
# Settings beside the recipe's. kldm-csp-large becomes what is shipped: 7.7 million parameters, 15.4 MB in half precision,
# batches and forward passes that fill the GPU; nucleate-csp is that already.
SETS=${SETS:-}
if [ "$RECIPE" = kldm-csp-large ] && [ -z "$SETS" ]; then
  SETS="torus_transformer.width=256 torus_transformer.layers=8 torus_transformer.heads=8
  torus_transformer.pair_width=64 torus_transformer.frequencies=32 training.batch=1024 training.slices=1
  training.edges=1000000 training.learning_rate=1e-3 training.ema=0.9995 training.warmup=500
  training.validate_every=2000 training.checkpoint_every=1000"
fi
export PYTHONPATH="src:$SITE${PYTHONPATH:+:$PYTHONPATH}" OMP_NUM_THREADS=${OMP_NUM_THREADS:-8}

if compgen -G "$FROM/state.*" >/dev/null && [ ! -e "$RUN/last.ckpt" ]; then
  "$PYTHON" benchmarks/gpu/compact.py unpack "$FROM" "$RUN"
fi
# Orbits that were found elsewhere (find_orbits.py) spare the machine a minute.
mkdir -p "$RUN"
for found in "$FROM"/orbits-*.npz "$FROM"/replacements.npz; do
  if [ -e "$found" ] && [ ! -e "$RUN/${found##*/}" ]; then cp "$found" "$RUN/"; fi
done
words=()
for setting in $SETS; do words+=(--set "$setting"); done
# SIGTERM saves a checkpoint after the step; exit status 124 or 130 says that it did.
status=0
timeout --signal=TERM --kill-after=60 "$CALL" "$PYTHON" -m nucleate.cli.main train "$RECIPE" --data "$DATA" --out "$RUN" \
  --minutes "$MINUTES" --resume --accelerator "$ACCELERATOR" "${words[@]}" 2>"$RUN.log" || status=$?
tail -c 2000 "$RUN.log" | tr '\r' '\n' | tail -5
case $status in 0 | 124 | 130 | 143) ;; *) exit "$status" ;; esac
[ -e "$RUN/last.ckpt" ] || { echo "no checkpoint after $CALL seconds: raise CALL" >&2; exit 1; }
mkdir -p "$OUT"
"$PYTHON" benchmarks/gpu/measure.py --run "$RUN" --data "$DATA" --out "$OUT" --crystals "$CRYSTALS" ${STEPS:+--steps "$STEPS"}
"$PYTHON" benchmarks/gpu/compact.py pack "$RUN" "$OUT"
cp "$RUN/report.json" "$OUT/"
ls -l "$OUT"
