# Two commands for a fresh machine with Python 3.11 or newer; each sets up all that it needs.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
LOOP = not reliability and not conformance and not engines and not browser and not documentation

.PHONY: demo test coverage reliability browser conformance engines races lint types docs examples benchmarks clean

demo: $(VENV)/.demo          ## decide a handful of applicants, then measure and compare
	$(BIN)/python -m morosidad demo

test: $(VENV)/.test          ## the tests of the loop, on all processors
	$(BIN)/pytest -q -n auto --dist loadfile -m "$(LOOP)"
	@echo "Left out: load, faults and generated requests (make reliability), the matrix of pipelines (make conformance),"
	@echo "clusters (make engines), pages in a browser (make browser), the examples of the documentation (make docs)."

coverage: $(VENV)/.test      ## the same with branch coverage, which takes half as long again
	$(BIN)/pytest -q -n auto --dist loadfile --cov --cov-report term -m "$(LOOP)"

reliability: $(VENV)/.test   ## the rest: load, faults, soak, fuzzing; the whole length with `--long` (docs/reliability.md)
	$(BIN)/pytest -q -m reliability

browser: $(VENV)/.test       ## the form and the dashboard in a real browser
	$(BIN)/pytest -q -n auto --dist loadfile -m "browser and not reliability" tests/asgi

conformance: $(VENV)/.test   ## the matrix: each kind of pipeline beside its scorer, saved, loaded and asked again
	$(BIN)/pytest -q tests/conformance --time-limit 3000

engines: $(VENV)/.engines    ## real clusters of Dask, Spark and Ray on this machine; a part that is not there is skipped, except on CI
	$(VENV)/engines/bin/python -m pytest -q -m engines tests/engines

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

docs: $(VENV)/.test          ## the examples of every page, the pages themselves, and how they look in a browser
	$(BIN)/pip install -q -e '.[docs]'
	$(BIN)/pytest -q -n auto -m documentation tests/project
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

# what the tests of engines need besides: in an environment of its own, as it brings older versions of other packages
$(VENV)/.engines: $(VENV)/.test
	$(BIN)/python -m venv $(VENV)/engines
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > \
		"$$($(VENV)/engines/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/tests.pth"
	$(VENV)/engines/bin/pip install -q --disable-pip-version-check -e '.[dask,spark,ray,duckdb,mlflow]' pytest
	$(VENV)/engines/bin/pip install -q --disable-pip-version-check --ignore-installed --no-deps uvicorn  # the program that MLflow starts
	touch $@

clean:
	rm -rf $(VENV) build dist site .coverage*
