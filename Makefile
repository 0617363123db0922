# Hashgauge's everyday commands; needs make and Python 3.11 or later, brings the rest itself.

PYTHON ?= python3
BIN := .venv/bin
# Tests mostly wait for servers: four processes keep two cores busy.
PARALLEL ?= -n 4 --dist worksteal
RUN_ENV := .venv/.run-env
DEV_ENV := .venv/.dev-env
LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
	--python-version 3.11 pyproject.toml
WEB := query_api/web
WEB_BUILT := $(WEB)/dist/index.html

.DEFAULT_GOAL := help
.PHONY: help run test test-unit lint types layers bench kafka web lock clean system-deps

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  \033[1m%-12s\033[0m %s\n", $$1, $$2}' Makefile

run: $(RUN_ENV) $(WEB_BUILT) ## start the local stack (ARGS="--port 8081 --workers 1000")
	@$(BIN)/hashgauge up $(ARGS)

test: $(DEV_ENV) $(WEB_BUILT) system-deps ## run all tests, every tier (30 to 45 minutes)
	$(BIN)/pytest $(PARALLEL) $(ARGS)

test-unit: $(DEV_ENV) ## run the tests that need no server (under a minute)
	$(BIN)/pytest -m "not postgres and not kafka and not kratos and not timescale and not browser and not slow" \
		tests/unit tests/property -n 2 --dist worksteal --hypothesis-profile quick -p no:schemathesis $(ARGS)

lint: $(DEV_ENV) ## check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/deptry .
	$(BIN)/python .ci/check_words

types: $(DEV_ENV) ## check types (mypy, strict)
	$(BIN)/mypy

layers: $(DEV_ENV) ## check which room may import which
	$(BIN)/lint-imports --no-cache

bench: $(DEV_ENV) system-deps ## run the benchmarks, write benchmarks/results.json (an hour)
	POLARS_MAX_THREADS=1 $(BIN)/pytest benchmarks -o python_files='bench_*.py' -o timeout=3600 \
		-p no:cacheprovider --benchmark-only $(ARGS)
	$(BIN)/python -m benchmarks.false_alarms
	$(BIN)/python -m benchmarks.bench_status
	$(BIN)/python -m benchmarks.http.bench_report
	$(BIN)/python -m benchmarks.http.bench_abuse
	$(BIN)/python -m benchmarks.bench_import
	$(BIN)/python -m benchmarks.results

kafka: $(RUN_ENV) system-deps ## start a real Apache Kafka on 127.0.0.1:9092 (Ctrl-C stops it)
	@$(BIN)/hashgauge kafka $(ARGS)

web: $(RUN_ENV) ## build the dashboard anew
	@rm -f $(WEB_BUILT)
	@$(MAKE) --no-print-directory $(WEB_BUILT)

lock: $(DEV_ENV) ## resolve the dependencies anew into requirements*.lock
	$(LOCK) --all-extras --group dev --group bench -o requirements-dev.lock
	$(LOCK) --extra local -c requirements-dev.lock -o requirements.lock
	$(LOCK) --extra traces -c requirements-dev.lock -o requirements-image.lock

clean: ## remove what was built and cached (the local stack's data in .hashgauge stay)
	rm -rf .venv $(WEB)/node_modules $(WEB)/dist dist .mypy_cache .ruff_cache .pytest_cache \
		.hypothesis .import_linter_cache .benchmarks

system-deps: ## install Java, Maven, chromium, promtool, wrk and PgBouncer if missing (Debian, as root)
	@sh deploy/local/machine.sh

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed; set PYTHON to one: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "no venv: on Debian and Ubuntu install it with: apt-get install python3-venv"; exit 1; }

$(RUN_ENV): requirements.lock pyproject.toml | .venv/bin/python
	@echo "installing what the service needs into .venv (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(DEV_ENV): requirements-dev.lock pyproject.toml | .venv/bin/python
	@echo "installing what tests and checks need into .venv (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@ $(RUN_ENV)

# Node comes with the environment (a wheel); the packages' own install scripts do not run.
$(WEB_BUILT): $(RUN_ENV) $(WEB)/package-lock.json $(WEB)/build.mjs $(shell find $(WEB)/src -type f 2>/dev/null)
	@echo "building the dashboard"
	@cd $(WEB) && export PATH="$(CURDIR)/$(BIN):$$PATH" && npm ci --silent && npm run --silent build >/dev/null
