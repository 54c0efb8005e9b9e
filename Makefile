# The commands of the house; `make` alone lists them.

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
PIP := $(PY) -m pip -qq --disable-pip-version-check
JOBS ?= 2

# The locked jaxlib runs on CPU; saying so keeps JAX from looking for other devices.
export JAX_PLATFORMS ?= cpu

# The theme announces its successor at each build.
export NO_MKDOCS_2_WARNING := 1

# The first Python that is new enough. A name alone is no proof: version managers install shims.
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help tour test docs lock bench clean

help:
	@echo "make tour    install, and solve the main example into report/"
	@echo "make test    every check that CI runs"
	@echo "make docs    the documentation site, into build/docs"
	@echo "make bench   side by side with other libraries"
	@echo "make lock    pin requirements/*.txt anew from pyproject.toml"
	@echo "make clean   remove what these commands made"

tour: $(VENV)/tour.stamp
	@$(BIN)/stationary solve examples/screening.py --out report

# Tests compile many programs and run each of them briefly. Without its fusion emitters, the locked
# jaxlib needs a fifth less time for that.
test: export XLA_FLAGS ?= --xla_cpu_use_fusion_emitters=false
test: $(VENV)/dev.stamp
	@echo "== lint" && $(BIN)/ruff check --quiet .
	@echo "== format" && $(BIN)/ruff format --quiet --check .
	@echo "== types" && $(BIN)/pyright --pythonpath $(PY)
	@echo "== layers" && $(BIN)/lint-imports --no-logo
	@echo "== tests" && $(PY) -m pytest -q -n $(JOBS) --dist loadfile
	@echo "== docs" && $(BIN)/mkdocs build --quiet --strict

docs: $(VENV)/dev.stamp
	@$(BIN)/mkdocs build --quiet --strict && echo "build/docs/index.html"

bench: $(VENV)/dev.stamp
	@$(PY) -m benchmarks

clean:
	@rm -rf $(VENV) build dist report .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# Installing happens again only when the pins or the package's own metadata change.
$(VENV)/%.stamp: requirements/%.txt pyproject.toml | $(PY)
	@echo "Installing requirements/$*.txt"
	@$(PIP) install --require-hashes -r requirements/$*.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

# A Python without ensurepip (some Linux distributions) still has its own pip to lend.
$(PY):
	@test -n "$(PYTHON)" || { echo "stationary needs Python 3.11 or newer; set PYTHON=/path/to/python3"; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { $(PYTHON) -m venv --clear --without-pip $(VENV) && \
		$(PYTHON) -m pip -qq --python $(PY) install pip; }

# One universe of versions: the tour's pins are a subset of the developer's. The extra `bench` is not
# pinned: its peers build against libraries of the system.
COMPILE = $(LOCK)/bin/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras \
	--no-header --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --all-build-deps
LOCK := build/lock

lock: | $(PY)
	@test -x $(LOCK)/bin/pip-compile || { $(PY) -m venv $(LOCK) && $(LOCK)/bin/pip -qq install pip-tools; }
	@$(COMPILE) $(addprefix --extra ,files atlas lagrangians examples docs dev) --output-file requirements/dev.txt pyproject.toml
	@$(COMPILE) --extra examples --constraint requirements/dev.txt --output-file requirements/tour.txt pyproject.toml
