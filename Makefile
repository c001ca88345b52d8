# Two commands for a fresh machine with Python 3.11 or newer; each sets up all that it needs.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test coverage reliability conformance races lint types docs examples benchmarks clean

demo: $(VENV)/.demo          ## decide a handful of applicants, then measure and compare
	$(BIN)/python -m morosidad demo

test: $(VENV)/.test          ## the tests of the loop, on all processors
	$(BIN)/pytest -q -n auto --dist loadfile -m "not reliability and not conformance"
	@echo "Left out: load, faults and generated requests (make reliability), the matrix of pipelines (make conformance)."

coverage: $(VENV)/.test      ## the same with branch coverage, which takes half as long again
	$(BIN)/pytest -q -n auto --dist loadfile --cov --cov-report term -m "not reliability and not conformance"

reliability: $(VENV)/.test   ## the rest: load, faults, soak, fuzzing; the whole length with `--long` (docs/reliability.md)
	$(BIN)/pytest -q -m reliability

conformance: $(VENV)/.test   ## the matrix: each kind of pipeline beside its scorer, saved, loaded and asked again
	$(BIN)/pytest -q tests/conformance --time-limit 3000

races: $(VENV)/.test         ## the tests of threads, with Python switching between them as often as it can
	$(BIN)/pytest -q --switch-interval 1e-6 -k "thread or race or callers or reload or concurrent or meanwhile"

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy
	$(BIN)/mypy tests/typing
	PATH="$(abspath $(BIN)):$$PATH" basedpyright
	PATH="$(abspath $(BIN)):$$PATH" basedpyright --verifytypes morosidad --ignoreexternal >$(VENV)/types.txt || \
		{ cat $(VENV)/types.txt; exit 1; }

docs: $(VENV)/.test
	$(BIN)/pip install -q -e '.[docs]'
	$(BIN)/mkdocs build --strict -q

examples: $(VENV)/.test
	for example in examples/*.py examples/*/run.py; do echo "$$example" && $(BIN)/python "$$example" || exit 1; done
	for notebook in examples/*.ipynb; do echo "$$notebook" && $(BIN)/jupyter-execute "$$notebook" || exit 1; done

benchmarks: $(VENV)/.test    ## one short round of every benchmark, to see that it works; its figures mean nothing
	for one in benchmarks/bench_*.py benchmarks/*/bench_*.py; do echo "$$one" && $(BIN)/python -W ignore "$$one" --smoke || exit 1; done

$(BIN)/python:
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed"'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python pyproject.toml
	$(BIN)/pip install -q --disable-pip-version-check -e .
	touch $@

$(VENV)/.test: $(BIN)/python pyproject.toml
	$(BIN)/pip install -q --disable-pip-version-check -e '.[dev]'
	touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV) build dist site .coverage*
