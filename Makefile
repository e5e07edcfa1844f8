# The two commands of the README, for those who have make. `.venv` is created on first use and reused afterwards.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PRESET ?= quick
JOBS ?= 2

.PHONY: figures test slow lint docs clean

figures: $(VENV)/figures
	$(BIN)/mdpkit reproduce --preset $(PRESET) --jobs $(JOBS)

test: $(VENV)/test
	$(BIN)/python -m pytest -n $(JOBS)

slow: $(VENV)/test
	$(BIN)/python -m pytest -n $(JOBS) -m slow

lint: $(VENV)/lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/docs
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/figures: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet -e '.[gym]'
	touch $@

$(VENV)/test $(VENV)/lint $(VENV)/docs: $(VENV)/%: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet -e '.[$*]'
	touch $@

clean:
	rm -rf $(VENV) report docs/_build docs/auto_examples docs/api/generated .mdpkit-cache
