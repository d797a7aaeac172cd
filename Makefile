# Two commands do all the set-up: `make demo` runs the site, `make test` runs the tests.
PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 7860
INDEX ?= index
BIN := .venv/bin

.PHONY: demo test lint clean

demo: .venv/.app
	$(BIN)/python app.py --index $(INDEX) --host $(HOST) --port $(PORT)

test: lint
	HF_HUB_OFFLINE=1 $(BIN)/python -m pytest

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, found " + sys.version)'
	$(PYTHON) -m venv .venv

# a stamp for each list of requirements: a second run installs nothing
.venv/.app: requirements.txt | .venv/bin/python
	@echo "installing the packages, a few minutes the first time"
	$(BIN)/python -m pip install --quiet -r requirements.txt
	touch $@

.venv/.dev: requirements-dev.txt .venv/.app
	@echo "installing the packages of the tests"
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	touch $@

clean:
	rm -rf .venv
