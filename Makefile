# Every target sets up what it needs: a virtual environment in .venv from the hashed
# requirements, and a Temporal server binary. Nothing is installed outside this folder.
.DEFAULT_GOAL := help
SHELL := /bin/bash

# The first interpreter that is new enough; the answer of one that does not run is ignored.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$python; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
PACKAGES = $(wildcard worker.py starter.py domain workflows activities agents commands runtime bench tests)
PYTEST_ARGS ?=
# Tests mostly wait for a server, and each process has one of its own.
TEST_PROCESSES ?= 2

.PHONY: help install temporal format lint types layers spell prompts test replay e2e evals cov check demo \
	bench dev worker histories pages lock clean secrets baseline audit

help: ## show this list
	@grep -hE '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-10s %s\n", $$1, $$2}'

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "no Python 3.11 or newer found: install one, or run make PYTHON=/path/to/python3"; exit 1; }
	@echo "setting up: virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) -m venv failed: install its venv module (Debian: apt-get install python3-venv)"; rm -rf $(VENV); exit 1; }

$(VENV)/.program: requirements.txt | $(BIN)/python
	@echo "setting up: installing the locked packages (a minute, once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.development: requirements-dev.txt $(VENV)/.program
	@echo "setting up: installing the locked development packages (a minute, once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

temporal: $(VENV)/.program
	@$(BIN)/python -m runtime.devserver install

install: $(VENV)/.development temporal ## set up everything (the other targets do so by themselves)

format: $(VENV)/.development ## rewrite the code in the house style
	@$(BIN)/ruff check --quiet --fix-only $(PACKAGES)
	@$(BIN)/ruff format $(PACKAGES)

lint: $(VENV)/.development ## style and common mistakes
	@$(BIN)/ruff check $(PACKAGES)
	@$(BIN)/ruff format --check $(PACKAGES)

types: $(VENV)/.development ## strict types
	@$(BIN)/pyright --pythonpath $(BIN)/python $(PACKAGES)

layers: $(VENV)/.development ## imports point down
	@PYTHONPATH=. $(BIN)/lint-imports

pages: $(VENV)/.program ## write the pages that are made from the code
	@$(BIN)/python starter.py workers --markdown > docs/workers.md.new && mv docs/workers.md.new docs/workers.md

spell: $(VENV)/.development
	@$(BIN)/codespell $(PACKAGES) $(wildcard README.md docs deploy)

prompts: $(VENV)/.program
	@$(BIN)/python starter.py prompts check

# Looks at what is committed or about to be; what is in the baseline was looked at by a person.
SECRETS_BASELINE := .secrets.baseline
NO_SECRETS := (^|/)requirements.*\.txt$$|^tests/replay/.*\.json$$|\.(svg|png|csv|pdf)$$|^docs/openapi\.json$$|^agents/prompts\.lock$$|^\.secrets\.baseline$$

secrets: $(VENV)/.development ## no secret lies in a file (`make baseline` after looking at what it finds)
	@git ls-files -z | xargs -0 $(BIN)/detect-secrets-hook --no-verify --baseline $(SECRETS_BASELINE)

baseline: $(VENV)/.development
	@$(BIN)/detect-secrets scan --no-verify --exclude-files '$(NO_SECRETS)' > $(SECRETS_BASELINE).new \
		&& mv $(SECRETS_BASELINE).new $(SECRETS_BASELINE)

audit: $(VENV)/.development ## known vulnerabilities of the locked packages (asks the package index)
	@$(BIN)/python -m bench.audit $(AUDIT_ARGS)

check: AUDIT_ARGS = --lenient
check: lint types layers spell prompts secrets audit ## lint, types, layers, spelling, prompts, secrets, audit

test: install ## all tests; the browser tests where a Chromium is found
	@command -v chromium chromium-browser google-chrome >/dev/null \
		|| echo "no Chromium found: the browser tests are skipped (Debian: apt-get install chromium)"
	@$(BIN)/python -m pytest tests -n $(TEST_PROCESSES) --dist loadfile $(PYTEST_ARGS)

replay: install ## recorded histories still replay
	@$(BIN)/python -m pytest tests/replay $(PYTEST_ARGS)

e2e: install ## whole runs, processes and the browser
	@$(BIN)/python -m pytest tests/e2e $(PYTEST_ARGS)

evals: install ## how well the agents do
	@$(BIN)/python -m pytest tests/evals $(PYTEST_ARGS)

cov: install ## tests with branch coverage
	@$(BIN)/python -m pytest tests --cov --cov-report=term-missing:skip-covered $(PYTEST_ARGS)

demo: temporal ## an audit that survives the kill of its worker (90 s)
	@$(BIN)/python starter.py demo

bench: install ## cost of a turn, against a bare loop
	@$(BIN)/python -m bench

dev: temporal ## server, offline model and worker in the foreground
	@$(BIN)/python starter.py up

worker: temporal ## one worker process
	@$(BIN)/python worker.py

histories: install ## record the replay tests' histories anew
	@$(BIN)/python -m tests.replay.record

lock: $(VENV)/.development ## resolve and hash the requirements anew (needs uv)
	@uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-emit-index-url \
		--no-emit-find-links --custom-compile-command 'make lock' pyproject.toml -o requirements.txt
	@uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-emit-index-url \
		--no-emit-find-links --custom-compile-command 'make lock' pyproject.toml --group dev \
		-c requirements.txt -o requirements-dev.txt

clean: ## remove what the set-up made (runs and reports in .holdfast stay)
	@rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage htmlcov
