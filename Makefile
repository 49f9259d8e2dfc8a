# `make run` needs nothing but Python 3.11 or newer and make. Everything else is fetched into .venv.

ifndef PYTHON
PYTHON := $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)
endif
VENV := .venv
IN_VENV := $(VENV)/bin/python
DEV_LOCKS := requirements.txt requirements-predict.txt requirements-legacy.txt requirements-dev.txt
HASH_OF = $(IN_VENV) -c 'import hashlib, pathlib, sys; print(*(hashlib.sha256(pathlib.Path(f).read_bytes()).hexdigest() for f in sys.argv[1:]))'
PIP := $(IN_VENV) -m pip install --quiet --quiet --disable-pip-version-check --no-input
PIP_COMPILE = $(VENV)/bin/pip-compile --quiet --upgrade --strip-extras --no-header --annotation-style line \
	--no-emit-index-url --no-emit-find-links

.DEFAULT_GOAL := help
.PHONY: help run test test-browser test-system lint format schema lock bench clean venv venv-dev

help: ## show what there is to make
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' $(firstword $(MAKEFILE_LIST)) | expand -t 22

run: venv ## run everything: web, workers, beat, database; Ctrl-C ends it
	@exec $(IN_VENV) manage.py up --end-with-parent

test: venv-dev ## the tests, on SQLite and an embedded Redis unless DATABASE_URL and REDIS_URL are set
	$(IN_VENV) -m pytest -m "not browser and not system" -n auto --maxprocesses 6 --dist loadfile $(ARGS)

test-browser: venv-dev ## the tests that need Chromium
	$(IN_VENV) -m pytest -m browser $(ARGS)

test-system: venv-dev ## the tests that start the whole system as its users do
	$(IN_VENV) -m pytest -m system $(ARGS)

lint: venv-dev ## everything that can be checked without running the tests
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy .
	$(VENV)/bin/lint-imports
	$(IN_VENV) manage.py makemigrations --check --dry-run
	$(IN_VENV) manage.py check --deploy --fail-level WARNING
	@# The description of the API is reviewed like source: a change to it must be meant. `make schema` writes it.
	$(IN_VENV) manage.py spectacular --validate --fail-on-warn --file $(VENV)/openapi.yaml
	@diff -u docs/reference/openapi.yaml $(VENV)/openapi.yaml || { \
		echo "The API is not as docs/reference/openapi.yaml describes it. If that is meant: make schema." >&2; exit 1; }

schema: venv-dev ## write the description of the API to docs/reference/openapi.yaml, for review
	$(IN_VENV) manage.py spectacular --validate --fail-on-warn --file docs/reference/openapi.yaml

format: venv-dev ## bring the source into shape
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

lock: venv-dev ## pin the newest versions that requirements*.in allow
	$(PIP_COMPILE) --output-file requirements.txt requirements.in
	$(PIP_COMPILE) --output-file requirements-predict.txt requirements-predict.in
	$(PIP_COMPILE) --output-file requirements-legacy.txt requirements-legacy.in
	$(PIP_COMPILE) --output-file requirements-dev.txt requirements-dev.in

bench: venv-dev ## the benchmarks
	$(IN_VENV) -m bench $(ARGS)

clean: ## remove what was built; the data in LEADSCORE_HOME stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp holds the hash of what is installed, so a second run asks nobody anything.
venv:
	@test -n "$(PYTHON)" || { echo "LeadScore needs Python 3.11 or newer: install it, or name it with make PYTHON=/path/to/python3." >&2; exit 1; }
	@test -x $(IN_VENV) || { echo "Creating $(VENV) …" && "$(PYTHON)" -m venv $(VENV); }
	@test "$$($(HASH_OF) requirements.txt)" = "$$(cat $(VENV)/installed 2>/dev/null)" || { \
		echo "Installing what LeadScore needs …" && $(PIP) -r requirements.txt && \
		$(HASH_OF) requirements.txt > $(VENV)/installed; }

venv-dev: venv
	@test "$$($(HASH_OF) $(DEV_LOCKS))" = "$$(cat $(VENV)/installed-dev 2>/dev/null)" || { \
		echo "Installing what developing it needs …" && $(PIP) $(DEV_LOCKS:%=-r %) && \
		$(HASH_OF) $(DEV_LOCKS) > $(VENV)/installed-dev; }
