# make solve    a worked solution of examples/mazur.toml, and where it is
# make test     every law on a few rows, in minutes; what this machine lacks is skipped with its reason
# make check    format, lint, types, ten minutes of fuzzing, then every test: long sweeps, TeX, browser, the built package
# make fuzz     damaged files, answers, settings and functions, other ones every time (FUZZ_SECONDS=600 of them)
# make guided   the same led by coverage (needs atheris); what it finds goes into tests/fuzz/corpus
# make versions the quick tests with every Python on this machine, and with the lowest versions of what is needed
# make mutants  small changes of the modules that decide what is right, one at a time: does a test notice each?
# make house    the picture and the list of rooms in docs/architecture.md, anew
# make engine   the JavaScript with which a page computes anew what follows from a changed number
# make gallery  the solutions in output/, anew (needs TeX and pdftoppm)
# make docs     the documentation as a site, in site/: it opens without a network
# make hooks    format and lint before every commit (installs pre-commit into .venv)
# make format   rewrite the code as `make check` wants it
#
# Needs Python 3.11 or newer and nothing else: the rest is installed into .venv.

PYTHON ?= python3
VENV   ?= .venv
RUN    := $(VENV)/bin/python -m
# Tests run on all cores; one that is done takes over what another has before it.
PYTEST ?= $(RUN) pytest --numprocesses=auto --dist=worksteal

# How long `make fuzz` and `make guided` look for inputs that break something, all readers together; 0 leaves it out.
FUZZ_SECONDS ?= 600
FUZZ_READERS := 21

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# `check` runs its parts in order, the tests last.
.NOTPARALLEL:
.PHONY: help solve test check static fuzz guided versions mutants hooks format house engine gallery docs clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

solve: $(VENV)/.installed
	@echo "The worked solution is in:"
	@$(RUN) symbackprop solve examples/mazur.toml -f pdf,html,latex,markdown -o output/solved

test: $(VENV)/.installed-test
	$(PYTEST) -m "not sweep"

check: static fuzz
	$(PYTEST)

fuzz: $(VENV)/.installed-dev
ifneq ($(FUZZ_SECONDS),0)
	SYMBACKPROP_FUZZ=$$(( ($(FUZZ_SECONDS) + $(FUZZ_READERS) - 1) / $(FUZZ_READERS) )) $(RUN) pytest tests/fuzz --timeout=0 -k handed_in
endif

guided: $(VENV)/.installed-dev
	$(RUN) pip install --quiet 'atheris>=3'
	PYTHONPATH=. $(VENV)/bin/python -m tests.fuzz.guided $(FUZZ_SECONDS)

# VERSIONS="3.12 lowest" asks for some of them.
versions: $(VENV)/.installed
	$(VENV)/bin/python tools/versions.py $(VERSIONS)

# It works in mutants/, a copy of the tree. MUTANTS="symbackprop.by_hand.tolerance*" asks for some of them.
mutants: $(VENV)/.installed-dev
	$(RUN) pip install --quiet 'mutmut>=3.8'
	$(RUN) mutmut run $(if $(MUTANTS),'$(MUTANTS)')
	$(RUN) mutmut results

static: $(VENV)/.installed-dev
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy --strict

hooks: $(VENV)/.installed-dev
	$(RUN) pip install --quiet 'pre-commit>=4'
	$(RUN) pre_commit install

format: $(VENV)/.installed-dev
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

house: $(VENV)/.installed
	$(VENV)/bin/python tools/house.py

engine: $(VENV)/.installed
	PYTHONPATH=. $(VENV)/bin/python tools/engine.py

gallery: $(VENV)/.installed
	$(VENV)/bin/python tools/gallery.py

# NO_MKDOCS_2_WARNING: the theme's makers warn of a version of MkDocs that is not installed here.
docs: $(VENV)/.installed-docs
	PYTHONPATH=. $(VENV)/bin/python tools/gallery.py --format html
	PYTHONPATH=. NO_MKDOCS_2_WARNING=1 $(RUN) mkdocs build --strict
	@echo "The site is in site/index.html"

clean:
	rm -rf $(VENV)

# Stamps: an environment is made once, and what is installed follows pyproject.toml.

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "symbackprop needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml
	$(RUN) pip install --quiet --editable '.[pdf]'
	@touch $@

$(VENV)/.installed-test: $(VENV)/.made pyproject.toml
	$(RUN) pip install --quiet --editable '.[test]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: $(VENV)/.made pyproject.toml
	$(RUN) pip install --quiet --editable '.[docs]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-dev: $(VENV)/.made pyproject.toml
	$(RUN) pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.installed-test $(VENV)/.installed-docs $(VENV)/.installed
