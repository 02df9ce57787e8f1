# `make demo` and `make test` are all a newcomer needs: each makes its own virtual environment first.
#
#   make test ARGS="-k resume"          some tests only
#   make test VENV=/tmp/venv            another place for the environment
#   make demo PYTHON=python3.12         another Python

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO := runs/demo-$(shell date +%Y%m%d-%H%M%S)
PIP := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test lint docs docs-run docs-site docs-serve clean
.NOTPARALLEL:  # two pips at once spoil an environment

help:
	@echo "make demo    install, draw with trained weights, train a conditional GAN on embedded digits, name the page that shows it"
	@echo "make test    install, and run all tests against the installed package"
	@echo "make lint    style, types, and which module may import which"
	@echo "make docs    write the generated parts of the documentation anew"
	@echo "make docs-run    run every command, code block and notebook of the documentation, with short trainings"
	@echo "make docs-site   build the documentation as a site, with warnings as errors; docs-serve shows it"
	@echo "make clean   remove the environment and what tools left behind"

# The metric costs a tenth of the time, and gives the report a score and a curve.
demo: $(VENV)/.installed
	@mkdir -p $(DEMO)-first
	$(BIN)/ganzoo sample zoo:cgan-mnist --class all -n 12 --output $(DEMO)-first/digits.png
	$(BIN)/ganzoo sample zoo:logan-logos --class all -n 12 --output $(DEMO)-first/logos.png
	@echo "Drawn by networks that came trained: $(abspath $(DEMO)-first)"
	@echo "Now one is trained, on digits that are drawn on the spot."
	$(BIN)/ganzoo train cgan --steps 4000 --batch-size 32 -o width=32 -o lr=0.0005 -o sample_every=200 -o log_every=20 \
	  --metric accuracy-glyphs-10k -o metric_every=32000 --out $(DEMO)
	$(BIN)/ganzoo sample $(DEMO) --class all -n 12 --output $(DEMO)/digits.png
	@echo "One row a class: $(abspath $(DEMO))/digits.png"
	@echo "The report, for your browser: $(abspath $(DEMO))/report.html"

test: $(VENV)/.installed
	$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

lint: $(VENV)/.linters
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=.:plugins $(BIN)/lint-imports --no-cache

docs: $(VENV)/.installed
	$(BIN)/python docs/generate.py

docs-run: $(VENV)/.installed
	GANZOO_DOCS=all $(BIN)/pytest -n 2 $(ARGS) tests/documented

docs-site: $(VENV)/.installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --site-dir site

docs-serve: $(VENV)/.installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

clean:
	rm -rf .venv build dist site .pytest_cache .mypy_cache .ruff_cache

# Three steps, so that each is repeated only when it must be. pip comes last into a new environment: where it is
# missing (Debian without python3-venv), the environment is not complete and is made again.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "ganzoo needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# From the package registry; PyTorch with its CUDA libraries is several gigabytes.
$(VENV)/.dependencies: pyproject.toml | $(BIN)/pip
	@echo "Installing PyTorch and the rest into $(VENV); the first time this takes minutes."
	$(PIP) install ".[test]"
	@touch $@

# Not editable: the tests must miss what the package lacks. The version stays the same while the sources change, so pip
# is told to replace it; hatchling is there by now, so this needs no network.
SOURCES := $(shell find ganzoo plugins -type f ! -path '*/__pycache__/*') README.md LICENSE

$(VENV)/.installed: $(VENV)/.dependencies $(SOURCES)
	$(PIP) install --quiet --no-deps --no-build-isolation --force-reinstall .
	@touch $@

# The linters read the sources; of the package they need its dependencies only.
$(VENV)/.linters: $(VENV)/.dependencies
	$(PIP) install --quiet --no-build-isolation ".[lint]"
	@touch $@
