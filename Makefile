# `make demo` runs the site, `make test` checks everything; both set up .venv on their first run.
PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 7860
INDEX ?= index
BIN := .venv/bin
PYTEST_OPTIONS ?=

.PHONY: demo test lint layers lock sbom licences release clean

demo: .venv/.app
	$(BIN)/python app.py --index $(INDEX) --host $(HOST) --port $(PORT)

test: lint
	HF_HUB_OFFLINE=1 $(BIN)/python -m pytest $(PYTEST_OPTIONS)

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PYTHONPATH=. $(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/mypy

# the picture of the packages in docs/, drawn from the contract in pyproject.toml
layers: .venv/.dev
	$(BIN)/python docs/layers.py

# every version that pip installs; UPGRADE=--upgrade takes the newest ones that pyproject.toml allows
UV := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--no-annotate --custom-compile-command 'make lock' --extra postgres
lock: .venv/.dev
	$(UV) $(UPGRADE) -o requirements.lock
	$(UV) $(UPGRADE) --extra scale --extra fast --extra train --extra dev -c requirements.lock -o requirements-dev.lock

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, found " + sys.version)'
	$(PYTHON) -m venv .venv

# a stamp for each lock file: a second run installs nothing
.venv/.app: requirements.lock | .venv/bin/python
	@echo "installing the packages, a few minutes the first time"
	$(BIN)/python -m pip install --quiet -r requirements.lock
	touch $@

.venv/.dev: requirements-dev.lock .venv/.app
	@echo "installing the packages of the tests"
	$(BIN)/python -m pip install --quiet -r requirements-dev.lock
	touch $@

# what is installed, as CycloneDX, for tools that look for known weaknesses
sbom: .venv/.dev
	$(BIN)/cyclonedx-py environment .venv --pyproject pyproject.toml --output-reproducible -o sbom.json

licences: .venv/.dev
	$(BIN)/pip-licenses --python $(BIN)/python --format=markdown --order=license

# sdist and wheel of the last commit in dist/, built in two clones at different paths: they must be
# the same bytes, whoever builds them and wherever
release: .venv/.dev
	@rm -rf dist && mkdir dist && set -e; two=$$(mktemp -d); trap 'rm -rf "$$two"' EXIT; \
	for clone in one two/deeper; do \
		git clone --quiet . "$$two/$$clone"; \
		(cd "$$two/$$clone" && SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) \
			"$(CURDIR)/$(BIN)/python" -m hatchling build --directory dist); \
	done; \
	diff -r "$$two/one/dist" "$$two/two/deeper/dist"; cp "$$two"/one/dist/* dist; \
	cd dist && sha256sum * | tee SHA256SUMS

clean:
	rm -rf .venv
