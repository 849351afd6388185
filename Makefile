# `make demo` and `make test` are all that a newcomer needs; the README shows the plain commands behind them.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
INSTALLED = $(VENV)/.installed

.PHONY: demo test check torture bench format clean

demo: $(INSTALLED)  ## A small comparison on the embedded benchmark, about a minute on two cores
	$(BIN)/metabench evaluate

test: $(INSTALLED)  ## All tests that need nothing from outside this repository
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

check: $(INSTALLED)  ## What a commit must pass
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

torture: $(INSTALLED)  ## Two hundred kills at random moments; about half an hour on two cores
	METABENCH_KILLS=200 $(BIN)/python -m pytest -q tests/harness/cli/test_kills.py

bench: $(INSTALLED)  ## Time and memory of the leaderboards of 10,000 results, against what they may take
	$(BIN)/python tests/bench/leaderboards.py

format: $(INSTALLED)  ## Format the code and sort its imports
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## Remove the environment and all caches
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis

# pip groups dependencies since version 25.1, which is younger than what some Pythons bring.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group dev --editable .
	touch $(INSTALLED)
