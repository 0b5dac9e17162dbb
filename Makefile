# make demo   offline with the shipped models: predict three structures, invent eight crystals, relax and judge them
# make test   everything that must hold before a change goes in
# make setup  the environment for both
# make frontend  the page of nucleate show, after a change in frontend/
#
# A bare Python 3.11 to 3.13 is enough. PYTHON=/path/to/python picks one; PIP_ARGS goes to every pip install,
# TORCH names the build of torch (on Linux the public default brings CUDA: README, "Install").

VENV ?= .venv
TORCH ?= torch==2.13.0
PIP_ARGS ?=
PYTHON ?=
JOBS ?= 2
DEMO_DIR ?= demo-output

BIN := $(VENV)/bin
# The stamps carry a checksum: a changed pyproject.toml installs again, a touched one does not.
SUM := $(shell cksum < pyproject.toml | cut -d ' ' -f 1)
BASE := $(VENV)/.base-$(SUM)
DEV := $(VENV)/.dev-$(SUM)
# pip speaks to a log, which is shown only where it fails: its warnings are about packages that nobody here can mend.
PIP := $(BIN)/python -m pip --disable-pip-version-check install --progress-bar off $(PIP_ARGS)
PIP_LOG := $(VENV)/pip.log
comma := ,
define pip_install
@echo "installing $(1)" >&2
@$(PIP) $(1) > $(PIP_LOG) 2>&1 || { cat $(PIP_LOG) >&2; echo "error: pip could not install $(1)" >&2; \
  echo "hint: what it said stands above and in $(PIP_LOG); README, 'Install', has other ways" >&2; exit 1; }
endef
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
# The tests start hundreds of processes: compiled modules are kept between them even where the environment forbids it.
KEEP_COMPILED := env -u PYTHONDONTWRITEBYTECODE

.PHONY: demo test setup lint types unit clean frontend chromium

demo: $(BASE)
	$(BIN)/nucleate predict ZnSe Mg2Sn KNiF3 --seed 0 --out $(DEMO_DIR)
	$(BIN)/nucleate generate -n 8 --seed 0 --out $(DEMO_DIR)/new
	$(BIN)/nucleate evaluate dng $(DEMO_DIR)/new --no-coverage --html $(DEMO_DIR)/report.html --json $(DEMO_DIR)/report.json

test: lint types unit

setup: $(DEV)

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types: $(DEV)
	$(BIN)/pyright --pythonpath $(BIN)/python

unit: $(DEV) chromium
	$(KEEP_COMPILED) $(ONE_THREAD) $(BIN)/python -m pytest -n $(JOBS)

# The page is tested in a browser; where none is found and none can be installed, these tests are skipped.
chromium:
	@command -v chromium chromium-browser google-chrome > /dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null \
	  && { echo "installing chromium for the tests of the page" >&2; apt-get update -qq; apt-get install -qq -y chromium; } \
	  > $(VENV)/chromium.log 2>&1; } || echo "no Chromium: the tests of the page in a browser are skipped" >&2

# The page of `nucleate show` is shipped built; this builds it again after a change, and needs Node with npm.
frontend:
	cd frontend && npm ci --no-audit --no-fund && npm run build

clean:
	rm -rf $(VENV) $(DEMO_DIR) .pytest_cache .ruff_cache .import_linter_cache

$(VENV)/.torch:
	@python=''; \
	for candidate in $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python); do \
	  if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; \
	  then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "error: no usable Python among: $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python)" >&2; \
	  echo "hint: install Python 3.11, 3.12 or 3.13 with its venv module, or name one: make $(or $(MAKECMDGOALS),setup) PYTHON=/path/to/python" >&2; \
	  exit 1; \
	fi; \
	echo "setting up $(VENV) with $$("$$python" --version), a few minutes the first time" >&2; \
	"$$python" -m venv $(VENV)
	$(call pip_install,'$(TORCH)')
	@touch $@

$(BASE): $(VENV)/.torch
	$(call pip_install,-e '.[evaluate$(comma)relax$(comma)show]')
	@rm -f $(VENV)/.base-*
	@touch $@

$(DEV): $(VENV)/.torch
	$(call pip_install,-e '.[dev]')
	@rm -f $(VENV)/.base-* $(VENV)/.dev-*
	@touch $(BASE) $@
