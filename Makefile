SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
CODE := deliver strategies sandbox bench tests/e2e tests/docs
unexport PYTHONDONTWRITEBYTECODE  # the tests start hundreds of processes; each would compile deliver anew

.PHONY: help setup demo docs check format test test-sandbox hunt judged mutation test-cluster bench bench-analysis lock clean

help:           ## Print this
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: .venv/ready  ## Make .venv with the locked packages and deliver itself

.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "deliver needs Python 3.11 or newer; make setup PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	    if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && apt-get install -y -qq python3-venv; \
	    else echo "$(PYTHON) cannot make a virtual environment; as root: apt-get install python3-venv"; exit 1; fi; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup     ## See a good release promoted and a bad one taken back, on an embedded cluster
	@$(BIN)/deliver demo

docs: setup     ## Write the generated parts of docs/: the references of deliver.yaml and of the commands
	$(BIN)/python -m tests.docs.reference

check: setup    ## Lint, formatting, types, and which package may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports --no-cache

format: setup   ## Put every file in the form that `check` wants
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: setup     ## Every test that needs no cluster
	$(BIN)/pytest -n 4 --dist worksteal -m "not cluster and not slow"

test-sandbox: setup  ## What takes long or goes by the machine's clock: end to end on the sandbox, the demo's scenarios, more worlds, all faults
	$(BIN)/pytest -n 4 -m "slow and not cluster" tests/e2e tests/hunt tests/demo tests/sandbox tests/faults

SECONDS ?= 600
hunt: setup     ## Random worlds and crashes against the rules, for SECONDS; failing seeds are written down
	$(BIN)/python -m tests.hunt --seconds $(SECONDS)

judged: setup   ## Random worlds in which the real judge judges real samples, for SECONDS; failing seeds are written down
	$(BIN)/python -m tests.hunt.judged --seconds $(SECONDS) --keep

PART ?= engine
mutation: setup ## Change the core of PART (engine, analysis) line by line, on a copy: which changes do the tests not notice?
	nice -n 19 $(BIN)/python -m tests.mutation $(PART)

test-cluster: setup  ## End to end, on the cluster of KUBECONFIG, else on tests/lab (needs Go and root)
	tests/with-lab tests/e2e/run

bench: setup    ## Measure what the README promises, on tests/lab
	tests/with-lab $(BIN)/python -m bench

bench-analysis: setup  ## The analysis against other tools' rules in a simulated world; minutes, needs no cluster
	$(BIN)/python -m bench.analysis

lock: setup     ## Write requirements.lock anew from pyproject.toml
	$(BIN)/pip-compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-emit-options --no-emit-trusted-host \
	    --strip-extras --allow-unsafe --no-header --extra dev --extra report --output-file requirements.lock pyproject.toml

clean:          ## Remove what the above made; tests/lab/lab down is a command of its own
	rm -rf .venv dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache bench/results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
