# Every target does its own set-up. Needs Python >= 3.11 with its venv module, and nothing else of ours.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OUT ?= akscan-demo

.DEFAULT_GOAL := help
.PHONY: help demo test lint fmt docs docs-check bench new-rule lock clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "akscan needs Python >= 3.11 (make PYTHON=python3.12 ...)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## scan the sample estate through the real collectors and write every report to $(OUT)
	@$(BIN)/akscan demo --output $(OUT)

test: $(READY) ## run every test
	@$(BIN)/pytest

lint: $(READY) docs-check ## ruff, mypy, import-linter, generated docs up to date
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

fmt: $(READY) ## format, and fix what ruff can fix
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format --quiet .

docs: $(READY) ## generate docs/rules/, docs/reads.md and the schema of the report from the code
	@$(BIN)/python -m tools.docs write

docs-check: $(READY)
	@$(BIN)/python -m tools.docs check

bench: $(READY) ## measure how evaluation and reports grow with workloads, and evaluation with clusters and with roles
	@$(BIN)/python benchmarks/evaluate.py
	@$(BIN)/python benchmarks/fleet.py
	@$(BIN)/python benchmarks/rbac.py

new-rule: $(READY) ## start a rule and its test: make new-rule ID=NET-023 NAME=subnet_is_tagged MODULE=network
	@$(BIN)/python -m tools.new_rule "$(ID)" "$(NAME)" "$(MODULE)"

lock: ## pin all dependencies anew (needs uv)
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet --upgrade -o requirements.lock

clean:
	@rm -rf $(VENV) akscan-demo dist build
