# 数域 Shuyu. `make demo` and `make test` each set up all that they need on a bare Debian machine (root, Python 3.11+).
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
HOME_DIR ?= demo-domain
# an engine that answers is used; else a private one is started, and stopped again by whoever started it
ENGINE := images/engine.sh

# an extension module of DuckDB takes leave with pages of its own bookkeeping
QUIET := 2> >(grep -vE '^(nanobind: | - (leaked|\.\.\. skipped)|See https://nanobind)' >&2)

.PHONY: help demo test check fix attack bench oracles serve setup host lock
help: ## List what there is to make
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: setup ## Take the whole line through, on real data
	@export SHUYU_OWNER=$$$$; eval "export $$($(ENGINE) up)"; trap '$(ENGINE) leave' EXIT; \
	images=$$(images/build.sh python reader); \
	$(BIN)/shuyu demo --home $(HOME_DIR) $$(printf -- '--image %s ' $$images)

serve: setup ## Run the demo's domain, with its console, until Ctrl-C
	@export SHUYU_OWNER=$$$$; eval "export $$($(ENGINE) up)"; trap '$(ENGINE) leave' EXIT; $(BIN)/shuyu up --home $(HOME_DIR)

test: setup host check ## All checks, then all tests
	@export SHUYU_OWNER=$$$$; eval "export $$($(ENGINE) up)"; trap '$(ENGINE) leave' EXIT; \
	images/build.sh python reader >/dev/null; $(BIN)/pytest -q $(QUIET)

check: setup ## Form, types, contracts, and the pages that are drawn from the code
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python docs/generate.py --check

fix: setup ## Put right what a program can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python docs/generate.py

attack: setup oracles ## What a hostile job would try, on a real engine; the long audits; every row of the crash table and 500 random kills
	@export SHUYU_OWNER=$$$$; eval "export $$($(ENGINE) up)"; trap '$(ENGINE) leave' EXIT; \
	images/build.sh python reader >/dev/null; $(BIN)/pytest -q -m engine $(QUIET); \
	SHUYU_EGRESS=long $(BIN)/pytest -q --timeout 600 tests/sandbox/runner/test_reader_bombs.py $(QUIET); \
	SHUYU_ATTACK=long $(BIN)/pytest -q --timeout 1200 tests/attack $(QUIET); \
	SHUYU_PRIVACY=long $(BIN)/pytest -q --timeout 3600 tests/sandbox/privacy tests/sandbox/blocks tests/sandbox/training $(QUIET); \
	SHUYU_CRASH=long $(BIN)/pytest -q --timeout 3600 tests/crash $(QUIET)
	SHUYU_EGRESS=long SHUYU_TAUARGUS=$$PWD/.oracles/tau/bin/python SHUYU_ACRO=$$PWD/.oracles/acro/bin/python \
	SHUYU_PYCANON=$$PWD/.oracles/anon/bin/python \
	$(BIN)/pytest -q --timeout 3600 tests/sandbox/egress tests/sandbox/anonymity tests/attacks $(QUIET)

bench: setup ## Every benchmark: a table for people, then one JSON line for each goal
	@export SHUYU_OWNER=$$$$; eval "export $$($(ENGINE) up)"; trap '$(ENGINE) leave' EXIT; \
	images/build.sh python reader >/dev/null; \
	for script in egress pii anonymise consents dp_query dp_blocks dp_training gateway overhead record scan throughput cluster; do echo "== $$script"; $(BIN)/python benchmarks/$$script.py; done

setup: .venv/.ready
.venv/.ready: requirements.lock pyproject.toml
	@echo "  set-up: Python packages (about a minute the first time)"
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || .ci/host python3-venv
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

oracles: .oracles/.ready ## Known tools that ours must agree with, each with its old packages in an environment of its own
.oracles/.ready:
	@for each in tau:pytauargus==0.6.0 acro:acro==1.0.2 anon:pycanon==1.3.6,anonypy==0.2.1,anonypyx==0.2.11,scikit-learn==1.9.1; do \
	  $(PYTHON) -m venv .oracles/$${each%%:*} && packages=$${each#*:} && \
	  .oracles/$${each%%:*}/bin/python -m pip install --quiet --disable-pip-version-check $${packages//,/ }; done
	@.oracles/anon/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --target .oracles/research \
	  presidio-evaluator==0.3.2 presidio-anonymizer==2.2.366 faker==40.54.0 python-dotenv==1.2.2; touch $@

host: ## The tests' own programs: a database server and a browser
	@.ci/host postgresql chromium openssl

lock: ## Resolve the dependencies anew
	$(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --extra domain --extra demo --extra sm --extra test pyproject.toml --output-file requirements.lock
