# Every target does its own set-up. Needs Python >= 3.11 with its venv module, and nothing else of ours.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OUT ?= akscan-demo

# The version of Kubernetes that the tests run stands in go.mod alone.
KUBERNETES := $(shell sed -n 's|^\tk8s.io/kubernetes v||p' tests/apiserver/go.mod)
APISERVER := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/akscan/apiserver/v$(KUBERNETES)
APISERVER_FLAGS = $(foreach field,gitVersion=v$(KUBERNETES) gitMajor=$(word 1,$(subst ., ,$(KUBERNETES))) \
	gitMinor=$(word 2,$(subst ., ,$(KUBERNETES))),-X k8s.io/component-base/version.$(field))

.DEFAULT_GOAL := help
.PHONY: help demo test apiserver multitool lint fmt docs docs-check bench new-rule lock clean

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

apiserver: $(if $(KUBEBUILDER_ASSETS),,$(APISERVER)/etcd $(APISERVER)/kube-apiserver) ## build the real Kubernetes API server of the tests, once (needs Go)

$(APISERVER)/%:
	@command -v go >/dev/null || { echo "make apiserver needs Go (https://go.dev/dl), or KUBEBUILDER_ASSETS naming a folder with etcd and kube-apiserver"; exit 1; }
	@echo "building $* of Kubernetes $(KUBERNETES)"
	@mkdir -p $(@D)
	@cd tests/apiserver && CGO_ENABLED=0 go build -trimpath -ldflags="-s -w $(APISERVER_FLAGS)" -o $@.$$$$ ./$* && mv $@.$$$$ $@

MULTITOOL := 5.7.0
multitool: ## install Microsoft's SARIF validator for the tests, once (needs npm)
	@command -v npm >/dev/null || { echo "make multitool needs npm"; exit 1; }
	@folder=$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/akscan/multitool/$(MULTITOOL); test -x $$folder/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool || \
		{ npm install --silent --no-fund --no-audit --prefix $$folder @microsoft/sarif-multitool-linux@$(MULTITOOL) >/dev/null && chmod u+x $$folder/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool; }

lint: $(READY) docs-check ## ruff, mypy, import-linter, generated docs up to date
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

fmt: $(READY) ## format, and fix what ruff can fix
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format --quiet .

docs: $(READY) ## generate docs/rules/, docs/reads.md, docs/permissions.md and the schema of the report
	@$(BIN)/python -m tools.docs write

docs-check: $(READY)
	@$(BIN)/python -m tools.docs check

bench: $(READY) ## measure evaluation, reports and scans; PODS="20000 100000" are the sizes of the large cluster (needs Go once)
	@$(BIN)/python benchmarks/evaluate.py
	@$(BIN)/python benchmarks/fleet.py
	@$(BIN)/python benchmarks/rbac.py
	@$(BIN)/python benchmarks/fleet_scan.py
	@$(MAKE) --no-print-directory apiserver
	@PYTHONPATH=tests $(BIN)/python benchmarks/pods.py $(PODS)

new-rule: $(READY) ## start a rule and its test: make new-rule ID=NET-023 NAME=subnet_is_tagged MODULE=network
	@$(BIN)/python -m tools.new_rule "$(ID)" "$(NAME)" "$(MODULE)"

lock: ## pin all dependencies anew (needs uv)
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet --upgrade -o requirements.lock

clean:
	@rm -rf $(VENV) akscan-demo dist build
