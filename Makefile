# Each target sets up .venv by itself; PYTHON chooses the interpreter that makes it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The folder with GroupLens' ml-1m, or a five-fold copy of it, for what needs it.
ML1M ?= ../shared/data/ml-1m
# Processes that test side by side, with a thread each.
WORKERS ?= 2
PACKAGING := setup.py pyproject.toml constraints.txt

.PHONY: run test lint pytest bench bench-augment benchmark tables clean

run: $(VENV)/.installed
	$(BIN)/python run_recbole.py --model=PNGNN

test: lint pytest

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

pytest: $(VENV)/.installed-test
	RECBOLE_PNGNN_ML1M=$(ML1M) OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS)

bench: $(VENV)/.installed
	$(BIN)/python -m recbole_pngnn.benchmark.speed --source=$(ML1M) --output=results/speed.json

bench-augment: $(VENV)/.installed
	$(BIN)/python -m recbole_pngnn.benchmark.augmentation --source=$(ML1M) \
		--output=results/augmentation-speed.json

# Five rows on ml-100k; what was recorded there before is not run again.
benchmark: $(VENV)/.installed
	$(BIN)/recbole-pngnn benchmark quick --jobs=2 --results=output/benchmark/quick/results

tables: $(VENV)/.installed-test
	$(BIN)/recbole-pngnn benchmark main --report --output results/benchmark/main
	$(BIN)/python -m recbole_pngnn.benchmark.tables README.md docs/*.md

clean:
	rm -rf $(VENV) build dist *.egg-info

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# RecBole by itself first: from Python 3.12 on pip cannot install it otherwise (setup.py).
$(VENV)/.installed: $(VENV)/bin/python $(PACKAGING)
	$(BIN)/python -m pip install -q --no-deps recbole==1.2.1
	$(BIN)/python -m pip install -q -c constraints.txt -e .
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[test]'
	touch $@
