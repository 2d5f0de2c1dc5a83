# The commands of this project; `.ci/run` calls the same ones. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# The folder with the Pulumi CLI; found or got by tools/pulumi/get.py, which says on stderr what it does.
PULUMI_BIN = $$($(PYTHON) tools/pulumi/get.py)
JOBS ?= auto

.PHONY: help setup check format docs test unit soak bench demo lock clean

help: ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(READY) ## install everything into .venv, and find or get the Pulumi CLI
	@$(PYTHON) tools/pulumi/get.py >/dev/null

$(READY): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed, this is " + sys.version.split()[0] + ": make PYTHON=python3.12 …")'
	@echo "Installing into $(VENV) (about half a minute) …"
	@$(PYTHON) -m venv $(VENV) || { echo "python3 -m venv failed: on Debian and Ubuntu, apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

check: $(READY) ## format, lint, types, docs current
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python tools/docs.py --check

format: $(READY) ## put the code into form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(READY) ## write the generated parts of the docs anew
	$(BIN)/python tools/docs.py

test: $(READY) ## all tests: unit, contract, and acceptance with the real Pulumi CLI
	@bin=$(PULUMI_BIN) && PATH="$$bin:$$PWD/$(BIN):$$PATH" $(BIN)/python -m pytest -n $(JOBS) --dist worksteal

unit: $(READY) ## the tests that need no Pulumi CLI
	$(BIN)/python -m pytest -n $(JOBS) tests/unit tests/contract

soak: $(READY) ## the property tests and fuzzers, for longer
	HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest -n $(JOBS) tests/contract/test_stateful.py tests/unit/test_fuzz.py

bench: $(READY) ## calls and wall time for 40 and 1,000 connectors, as a table
	@bin=$(PULUMI_BIN) && PATH="$$bin:$$PWD/$(BIN):$$PATH" $(BIN)/python bench/preview.py $(ARGS)

demo: $(READY) ## the main job, live: a local Plugchoice, a real `pulumi up`, drift shown and put right
	@bin=$(PULUMI_BIN) && PATH="$$bin:$$PWD/$(BIN):$$PATH" $(BIN)/python tools/demo.py

lock: $(READY) ## write requirements-dev.txt anew (versions and hashes)
	$(BIN)/uv export --quiet --format requirements-txt --no-emit-project --all-extras --group dev --no-header --no-annotate -o requirements-dev.txt
	@rm -f uv.lock

clean: ## remove what the other commands made here
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis dist build
