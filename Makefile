# Every target first makes the environment `.venv` when it is missing or older than the lock.
SHELL := /bin/bash
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
  $$p -c '$(FITS)' 2>/dev/null && command -v $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
SECONDS ?= 60
KILLS ?= 1000
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
export DBT_SEND_ANONYMOUS_USAGE_STATS := False
# dbt and Dagster start many short processes: none may compile its packages anew
unexport PYTHONDONTWRITEBYTECODE

# $(call install,FOLDER,LOCK): uv, itself from the lock, takes a fifth of pip's time, from the index that pip is set to;
# where it cannot, pip installs the same files
define install
"$(PYTHON)" -m venv --clear $(1); pip="$(1)/bin/python -m pip"; \
awk '/^uv==/ {on = 1} on; on && !/\\$$/ {exit}' requirements.lock > $(1)/uv.lock; \
index="$${PIP_INDEX_URL:-$$($$pip config get global.index-url 2>/dev/null)}"; \
$$pip install --quiet --no-deps --require-hashes -r $(1)/uv.lock && \
$(1)/bin/uv pip install --quiet --system-certs --python $(1) --require-hashes $${index:+--default-index "$$index"} -r $(2) || \
$$pip install --quiet --no-compile --require-hashes -r $(2)
endef

.DEFAULT_GOAL := help
.PHONY: help setup demo dev test-fast test test-platform test-streams test-rooms check soak-streams format docs bench
.PHONY: lock clean
.PHONY: test-lineage test-interop interop-lineage interop-project interop-systems screenshots soak lock-interop # sample

help: ## this list
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(VENV)/.ready ## make the environment

$(VENV)/.ready: requirements.lock pyproject.toml
	@"$(PYTHON)" -c '$(FITS)' 2>/dev/null || { \
	  echo "Python 3.11, 3.12 or 3.13 is needed and was not found. Name one: make PYTHON=/path/to/python3.12"; exit 1; }
	@echo "Installing the pinned packages into $(VENV) with $(PYTHON) ..."
	@$(call install,$(VENV),requirements.lock)
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --no-index -e .
	@touch $@

demo: setup ## start Postgres and Kafka, materialize everything, show what happened
	@$(BIN)/dataeng demo

dev: setup ## open the platform in the Dagster UI
	@$(BIN)/dataeng up
	@exec $(BIN)/dagster dev

test-fast: setup ## no server, a few minutes
	@$(BIN)/dataeng prepare --quiet
	@$(BIN)/pytest -m "not server and not crash and not warehouse and not interop and not soak"

test: setup ## everything against a real Postgres and a real Kafka
	@$(BIN)/dataeng prepare --quiet
	@$(MAKE) --no-print-directory -j4 $(WHOLE:tests/%=test-%) test-platform test-streams test-rooms

# the parts of `test`, side by side, each with servers of its own: much of their time is waiting
WHOLE := $(wildcard tests/lineage)
PLATFORM := tests/local tests/orchestration tests/warehouse
STREAMS := tests/kafka tests/streams
PYTEST := $(BIN)/pytest -m "not interop and not soak"
test-platform: setup
	@$(PYTEST) $(PLATFORM)

test-streams: setup
	@$(PYTEST) $(STREAMS)

test-rooms: setup
	@$(PYTEST) $(patsubst %,--ignore=%,$(WHOLE) $(PLATFORM) $(STREAMS))

# sample: begins
test-lineage: setup
	@$(PYTEST) $(WHOLE)

# other systems live in environments of their own, each with its lock
SYSTEMS := interop airflow prefect dbt spark
.venv-%/.ready: requirements-%.lock
	@$(call install,.venv-$*,requirements-$*.lock)
	@touch $@

test-interop: setup $(SYSTEMS:%=.venv-%/.ready) ## an S3 server, the UI in a browser, and the long stories
	@$(BIN)/dataeng prepare --quiet
	@$(MAKE) --no-print-directory -j3 interop-lineage interop-project interop-systems

interop-lineage: setup
	@$(BIN)/pytest -m interop $(WHOLE)

interop-project: setup
	@$(BIN)/pytest -m interop tests/own_project

interop-systems: setup $(SYSTEMS:%=.venv-%/.ready)
	@$(BIN)/pytest -m interop --ignore=tests/own_project $(WHOLE:%=--ignore=%)

screenshots: setup .venv-interop/.ready ## the pictures of the documentation, from the demo as it stands
	@$(BIN)/python docs/screenshots/story.py

soak: setup ## random histories and kills: make soak SECONDS=600 SEED=1
	@$(BIN)/pytest -m soak --soak-seconds $(SECONDS) $(if $(SEED),--soak-seed $(SEED))

# sample: ends
soak-streams: setup ## kill two competing drains at random moments: make soak-streams KILLS=1000 SEED=1
	@$(BIN)/pytest -s -m soak tests/streams --soak-kills $(KILLS) $(if $(SEED),--soak-seed $(SEED))

check: setup ## format, lint, types, imports, SQL, YAML, definitions
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/dataeng prepare --quiet
	@$(BIN)/sqlfluff lint dbt
	@$(BIN)/yamllint .
	@$(BIN)/dg check yaml
	@$(BIN)/dagster definitions validate

format: setup ## write what `check` would ask for
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: setup ## write the generated pages of docs/reference
	@$(BIN)/python docs/generate.py

bench: setup ## figures, ours beside the peers', in one run
	@for script in benchmarks/*.py; do $(BIN)/python "$$script"; done

lock: setup ## pin every dependency anew, with hashes, for Python 3.11 to 3.13
	@export UV_CUSTOM_COMPILE_COMMAND="make lock"; \
	compile="$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras"; \
	$$compile --no-emit-index-url --no-annotate --upgrade --extra local --extra dev pyproject.toml -o requirements.lock
	@$(MAKE) --no-print-directory lock-interop # sample

# sample: begins
lock-interop: setup
	@export UV_CUSTOM_COMPILE_COMMAND="make lock"; for name in $(SYSTEMS); do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	  --no-emit-index-url --no-annotate --upgrade --group $$name -o requirements-$$name.lock || exit 1; \
	done
# sample: ends

clean: ## end the local services, remove the environment and everything the project wrote
	@[ ! -x $(BIN)/dataeng ] || $(BIN)/dataeng down
	@rm -rf $(VENV) .venv-* .dataeng .tmp_dagster_home_* dbt/target dbt/logs .coverage .hypothesis .*_cache
