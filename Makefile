# `make help` lists the targets. PYTHON names the interpreter that makes .venv (3.11, 3.12 or 3.13).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.set-up
EXTRAS := --extra pyradiomics --extra deep --extra dask --extra dicom --extra superres --extra dev
CODE := dlr pipelines params tests benchmarks tools
WORKERS ?= 2
N ?= 20
SEED ?= 7
MINUTES ?= 30

export OMP_NUM_THREADS ?= 1
export UV_COMPILE_BYTECODE ?= 1

.PHONY: setup demo test test-all check bench fuzz mutants house messages help
.DEFAULT_GOAL := help

help:           ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile | expand -t 12

setup: $(STAMP) ## make .venv with everything, pyradiomics built from its source

# uv reads neither pip's settings nor its extra indexes: a local folder of wheels, where pip has one, is handed over.
# numpy and setuptools come first: pyradiomics' set-up imports them and is therefore built without isolation.
$(STAMP): pyproject.toml constraints.txt tools/build_compat/sitecustomize.py
	$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 14) else "dlr needs Python 3.11 to 3.13; name one with make PYTHON=...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	FL=$$($(BIN)/python -m pip config get global.find-links 2>/dev/null || true); FL="$${FL:-$$PIP_FIND_LINKS}"; \
	export VIRTUAL_ENV="$(CURDIR)/$(VENV)"; \
	$(BIN)/python -m uv pip install --quiet $${FL:+--find-links "$$FL"} -c constraints.txt setuptools wheel numpy && \
	PYTHONPATH="$(CURDIR)/tools/build_compat" $(BIN)/python -m uv pip install --quiet $${FL:+--find-links "$$FL"} -c constraints.txt \
		--no-build-isolation-package pyradiomics -r pyproject.toml $(EXTRAS) && \
	$(BIN)/python -m uv pip install --quiet --no-deps --no-build-isolation -e .
	$(BIN)/python -m dlr.radiomics.native
	$(BIN)/python -m dlr.learn
	touch $(STAMP)

demo: setup     ## the built-in cohort, the whole study, its report and nomogram
	$(BIN)/python -m dlr demo

test: check     ## what continuous integration runs: checks, then the tests without the slow ones
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not slow"

test-all: check ## the slow tests as well
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

check: setup    ## format, lint, types, rooms
	$(BIN)/python -m ruff format --check $(wildcard $(CODE))
	$(BIN)/python -m ruff check $(wildcard $(CODE))
	$(BIN)/python -m mypy
	$(BIN)/python -m pytest -p no:xdist tests/test_rooms.py

bench: setup    ## the benchmarks, one after the other; they print tables
	for file in $(wildcard benchmarks/bench_*.py); do echo "== $$file"; $(BIN)/python "$$file" || exit 1; done

fuzz: setup     ## MINUTES of broken input of every kind to every reader; what is no answer of dlr is kept in .fuzz
	$(BIN)/python -m tools.fuzzing --minutes $(MINUTES) --jobs $(WORKERS) --seed $(SEED)

mutants: setup  ## N one-line changes to what differs from BASE, and whether the tests of the room notice
	$(BIN)/python tools/mutants.py $(if $(BASE),--base $(BASE)) $(if $(UNDER),--under $(UNDER)) --n $(N) --seed $(SEED)

house: setup    ## docs/house.svg again, from the imports
	$(BIN)/python tools/draw_house.py

messages: setup ## docs/messages.md again, from the texts of the errors
	$(BIN)/python tools/messages.py
