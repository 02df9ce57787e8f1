# Two commands for a newcomer: `make demo` and `make test`. Each makes its own virtual environment first.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test lint docs bench clean

demo: $(VENV)/.installed
	$(BIN)/ganzoo train cgan --config benchmarks/demo.toml --out runs/demo-$$(date +%Y%m%d-%H%M%S)
	@echo "Look at the newest picture in the samples folder named above."

test: $(VENV)/.tested
	$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

lint: $(VENV)/.linted
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.installed
	$(BIN)/python docs/generate.py

# The tests run against the installed package: it is installed anew whenever a source file is newer.
SOURCES = pyproject.toml $(shell find ganzoo plugins -name '*.py' -o -name '*.md')

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet .
	touch $@

$(VENV)/.tested: $(VENV)/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet ".[test]"
	touch $@ $(VENV)/.installed

$(VENV)/.linted: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet ".[lint]"
	touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache
