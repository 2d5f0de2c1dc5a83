# `make help` lists the commands; `.ci/run` runs `make check` and `make test`.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# .venv grows by layers; each is installed once, and again when its hashed file changes. Another PYTHON begins anew.
BASE := $(VENV)/.uv-$(subst /,-,$(PYTHON))
DEMO := $(VENV)/.demo
TEST := $(VENV)/.test
LINT := $(VENV)/.lint
DOCS := $(VENV)/.docs
RELEASE := $(VENV)/.release
EVIDENCE := $(VENV)/.evidence
# tools/pulumi/get.py finds or installs the Pulumi CLI and prints its folder; progress goes to stderr.
PULUMI_BIN = $$($(PYTHON) tools/pulumi/get.py)
# tools/browser/get.py does the same for the browser that the tests of pages drive, and prints its path.
BROWSER = $$($(PYTHON) tools/browser/get.py)
# Tests wait for servers and processes a third of their time: three workers for two cores.
JOBS ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) * 3 / 2 )))

.PHONY: help setup check format docs docs-serve pictures test quick unit lowest matrix toolchains coverage mutants soak bench floor fleet drift demo dist release-check lock clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

setup: $(LINT) $(DOCS) ## install everything into .venv, and find or install the Pulumi CLI and a browser
	@$(PYTHON) tools/pulumi/get.py >/dev/null
	@$(PYTHON) tools/browser/get.py >/dev/null

$(BASE): requirements/uv.txt
	@$(PYTHON) tools/install.py uv && touch $@

$(DEMO): requirements/demo.txt pyproject.toml provider/pulumi_plugchoice/_version.py $(BASE)
	@$(PYTHON) tools/install.py demo && touch $@

# Each needs the one before: mypy also reads the tests, with what they import.
$(TEST): requirements/test.txt $(DEMO)
	@$(PYTHON) tools/install.py test && touch $@

$(LINT): requirements/lint.txt $(TEST)
	@$(PYTHON) tools/install.py lint && touch $@

$(DOCS): requirements/docs.txt $(TEST)
	@$(PYTHON) tools/install.py docs && touch $@

$(RELEASE): requirements/release.txt $(DEMO)
	@$(PYTHON) tools/install.py release && touch $@

$(EVIDENCE): requirements/evidence.txt $(TEST)
	@$(PYTHON) tools/install.py evidence && touch $@

# What `plugchoice adopt --ci` writes.
KIT := provider/pulumi_plugchoice/fleet/kit
SCHEMA := $(BIN)/check-jsonschema --quiet --builtin-schema

check: $(LINT) ## check format, lint, types, generated docs, and the workflows, ours and those for users
	@echo "Checking format, lint, types, docs and workflows: about 45 s the first time …"
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/python tools/docs.py --check
	$(BIN)/zizmor --offline --quiet $(KIT)/github/*.yml examples/gitops
	$(BIN)/zizmor --offline --quiet --pedantic .github
	$(SCHEMA) vendor.github-workflows .github/workflows/*.yml $(KIT)/github/*.yml examples/gitops/.github/workflows/*.yml
	$(SCHEMA) vendor.renovate renovate.json
	$(SCHEMA) vendor.gitlab-ci $(KIT)/gitlab/gitlab-ci.yml examples/gitops/.gitlab-ci.yml
	$(SCHEMA) vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/feature.yml
	$(SCHEMA) vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/prek validate-manifest .pre-commit-hooks.yaml
	$(BIN)/prek validate-config .pre-commit-config.yaml

format: $(LINT) ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(DOCS) ## write the generated parts of the docs, and build the site into build/site
	$(BIN)/python tools/docs.py
	$(BIN)/python tools/docs_site.py

docs-serve: docs ## show the docs site on http://localhost:8000, and follow changes
	$(BIN)/python tools/docs_site.py --serve

pictures: $(TEST) ## make the pictures of the docs anew, with real commands and a browser: 2 min
	@bin=$(PULUMI_BIN) && browser=$(BROWSER) && PLUGCHOICE_BROWSER="$$browser" \
	  PATH="$$bin:$$PWD/$(BIN):$$PATH" $(BIN)/python tools/pictures.py

test: $(DOCS) ## run all tests: unit, contract, pages in a browser, and acceptance with the real Pulumi CLI
	@echo "Running all tests: about 11 minutes on 2 cores (make quick: the fast ones, 90 s) …"
	@bin=$(PULUMI_BIN) && browser=$(BROWSER) && PLUGCHOICE_BROWSER="$$browser" \
	  PATH="$$bin:$$PWD/$(BIN):$$PATH" $(BIN)/python -m pytest -n $(JOBS) --dist worksteal

quick: $(TEST) ## run the fast unit and contract tests, at most three cases of each: 90 s
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not slow" --cases=3 --hypothesis-profile=quick tests/unit tests/contract

unit: $(TEST) ## run the tests that need no Pulumi CLI
	$(BIN)/python -m pytest -n $(JOBS) tests/unit tests/contract

LOWEST := build/lowest
lowest: $(TEST) ## build the sdist, and run its tests with the lowest versions that it allows
	rm -rf $(LOWEST) && mkdir -p $(LOWEST)
	$(BIN)/uv build --quiet --sdist --no-build-isolation -o $(LOWEST) .
	tar xzf $(LOWEST)/*.tar.gz -C $(LOWEST) --strip-components=1
	$(BIN)/uv venv --quiet --python $(BIN)/python $(LOWEST)/.venv
	cd $(LOWEST) && install="$(CURDIR)/$(BIN)/uv pip install --quiet --python .venv/bin/python" && \
	  $$install --resolution lowest-direct -r pyproject.toml --all-extras && \
	  $$install --group test --group build && \
	  $$install --no-deps --no-build-isolation -e . && \
	  .venv/bin/python -m pytest -n $(JOBS) tests/unit tests/contract

matrix: $(TEST) ## run unit and contract tests, and some with the Pulumi CLI, with each Python here; ARGS="3.10 3.13" selects
	@bin=$(PULUMI_BIN) && PATH="$$bin:$$PATH" $(BIN)/python tools/matrix.py $(ARGS)

toolchains: $(TEST) ## run the quickstart in projects of uv, Poetry and plain venv; ARGS=uv selects
	@bin=$(PULUMI_BIN) && PATH="$$bin:$$PATH" $(BIN)/python tools/toolchains.py $(ARGS)

# Measuring takes CPU time: a test that limits it is left out.
SLOWED := tests/unit/test_hostile_files.py::test_the_worst_files_are_checked_in_two_seconds_and_100_megabytes
coverage: $(EVIDENCE) ## print which branches the unit and contract tests cover, also in the processes that they start
	@mkdir -p build/coverage && $(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n $(JOBS) --dist worksteal --hypothesis-profile=quick --deselect $(SLOWED) \
	  tests/unit tests/contract
	$(BIN)/coverage combine --quiet && $(BIN)/coverage report

mutants: $(EVIDENCE) ## change the code that computes and writes, and see whether a test notices; ARGS are modules
	$(BIN)/python tools/mutants.py $(ARGS)

soak: $(DOCS) ## run the property tests and fuzzers for longer, axe on every page of the docs, 30 sites of killed fleets, and fleets that share a small limit
	$(BIN)/python -m pytest -n $(JOBS) --hypothesis-profile=long tests/contract/test_stateful.py tests/contract/test_write_path.py \
	  tests/contract/test_pages.py tests/unit/test_fuzz.py
	@browser=$(BROWSER) && PLUGCHOICE_BROWSER="$$browser" EVERY_PAGE=1 $(BIN)/python -m pytest tests/browser/test_site.py
	@bin=$(PULUMI_BIN) && PATH="$$bin:$$PWD/$(BIN):$$PATH" CLUSTER_SITES=30 FLEET_SITES=30 $(BIN)/python -m pytest --soak \
	  tests/acceptance/test_cluster.py tests/acceptance/test_fleet.py tests/acceptance/test_quota_fleet.py

bench: $(TEST) ## measure API calls and time for 40 and 1,000 connectors
	@bin=$(PULUMI_BIN) && PATH="$$bin:$$PWD/$(BIN):$$PATH" $(BIN)/python bench/preview.py $(ARGS)

floor: $(TEST) ## compare a preview with one of resources that do nothing
	@bin=$(PULUMI_BIN) && PATH="$$bin:$$PWD/$(BIN):$$PATH" $(BIN)/python bench/floor.py $(ARGS)

fleet: $(TEST) ## compare `plugchoice fleet up` of 50 sites with `xargs -P3`
	@bin=$(PULUMI_BIN) && PATH="$$bin:$$PWD/$(BIN):$$PATH" $(BIN)/python bench/fleet.py $(ARGS)

drift: $(TEST) ## compare `plugchoice drift` of 1, 10 and 50 sites with a preview of one
	@bin=$(PULUMI_BIN) && PATH="$$bin:$$PWD/$(BIN):$$PATH" $(BIN)/python bench/drift.py $(ARGS)

demo: $(DEMO) ## run the main workflow with a local Plugchoice: no account needed, 30 s after the set-up
	@bin=$(PULUMI_BIN) && PATH="$$bin:$$PWD/$(BIN):$$PATH" $(BIN)/python tools/demo.py

dist: $(RELEASE) ## build wheel and sdist of the last commit into dist/
	@$(BIN)/python tools/release.py dist

release-check: $(RELEASE) ## build a release of the last commit, and check it: tests from the sdist, demo with the wheel
	@bin=$(PULUMI_BIN) && PATH="$$bin:$$PATH" $(BIN)/python tools/release.py check $(ARGS)

# Renovate runs the commands that are in the heads of these files: options with `=`, and none that it does not know.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version=3.10 --generate-hashes

lock: $(BASE) ## write the hashed files in requirements/; ARGS=--upgrade takes the newest versions
	$(COMPILE) --no-header --group=uv --output-file=requirements/uv.txt $(ARGS) >/dev/null
	$(COMPILE) pyproject.toml --extra=cli --extra=emulator --group=build --output-file=requirements/demo.txt $(ARGS) >/dev/null
	$(COMPILE) pyproject.toml --all-extras --group=test --constraint=requirements/demo.txt --output-file=requirements/test.txt $(ARGS) >/dev/null
	for group in docs lint release evidence; do $(COMPILE) pyproject.toml --group=$$group --constraint=requirements/demo.txt \
	  --output-file=requirements/$$group.txt $(ARGS) >/dev/null; done

clean: ## remove .venv, caches and builds
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .cache dist build
