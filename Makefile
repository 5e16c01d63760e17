# Every target sets up what it needs; nothing is installed outside .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help run test check bench clean
help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

.venv/installed: constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name it with PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

run: .venv/installed ## receive telemetry and serve the pages on http://127.0.0.1:8000
	$(BIN)/assay serve

test: .venv/installed ## run the tests
	$(BIN)/python -m pytest -q -rs --numprocesses auto --dist loadfile

check: .venv/installed ## lint, types, import contracts, and the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -rs --numprocesses auto --dist loadfile

bench: .venv/installed ## measure what docs/performance.md states
	$(BIN)/python -m bench
	$(BIN)/python -m bench.join --scale 1000
	$(BIN)/python -m bench.relabel
	$(BIN)/python -m bench.rollups --sessions 1000000
	$(BIN)/python -m bench.kept
	$(BIN)/python -m bench.pages --sessions 1000000
	$(BIN)/python -m bench.digests --sessions 1000000

clean: ## remove the environment and caches, never data
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
