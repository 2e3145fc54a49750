# Everything a newcomer types. `make demo` and `make test` set up what they need: Python 3.11+, git and make suffice.
PYTHON ?= python3
FUZZ ?= 120
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
# The tests start some hundred processes: without it, each would compile our modules anew.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help setup demo test lint types rooms unit bundle assumptions bench chaos soak fuzz lock clean

help:  ## Show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY)  ## Make .venv with the locked packages

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 15) else "Wayout needs Python 3.11 to 3.14; choose one with: make PYTHON=python3.12 setup")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(READY)

demo: setup  ## Run the main job, end to end, on the local Google Cloud
	$(BIN)/wayout demo

# Two at a time: types are checked while tests wait.
test: setup  ## Everything CI runs
	@$(MAKE) --no-print-directory --jobs 2 lint types rooms unit

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

rooms: setup
	$(BIN)/lint-imports

unit: setup
	$(BIN)/pytest

bundle: setup  ## Make the functions' bundle, dist/wayout-bundle.zip
	$(BIN)/python -m tools.bundle

assumptions: setup  ## Tell every scenario under every value of what is not known about Google: minutes
	$(BIN)/pytest tests/test_assumptions.py --long --dist load

bench: setup  ## Print what Wayout costs, as ratios measured in one run; dist/bench.json
	$(BIN)/python -m benchmarks.table

chaos: setup  ## End the process at every call, let every call meet every fault, and mislay events: hours
	$(BIN)/python -m benchmarks.chaos

soak: setup  ## People at work, drift and faults for minutes: memory, latency, a whole world after it; and 200 jobs at once
	$(BIN)/python -m benchmarks.soak --json dist/soak.json
	$(BIN)/pytest tests/load/test_many_at_once.py --long -n 0 -s

# atheris is not in the lock: it has wheels for Linux and some Pythons only, and nothing else needs it.
fuzz: setup  ## Readers and doors against inputs that atheris makes up by coverage, for two minutes (FUZZ=seconds)
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(BIN)/python -m pip install --quiet --only-binary :all: atheris \
	  || { echo "atheris has no wheel for $$($(BIN)/python --version) here. What hypothesis makes up is in: make test"; exit 1; }
	$(BIN)/python -m tests.security.driven -max_total_time=$(FUZZ)

lock:  ## Resolve the locked packages anew (needs uv)
	uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --quiet -o requirements/runtime.txt
	uv pip compile pyproject.toml --extra cli --extra localcloud --group dev --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --quiet -o requirements/dev.txt

clean:  ## Remove what setup and the tests made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
