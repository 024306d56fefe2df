# make setup · make run · make test · make check · make bench · make bench-site · make accuracy · make faults · make load · make fuzz · make pictures · make pywb · make axe · make pins
PYTHON ?= python3
BIN := .venv/bin
RUN_STAMP := .venv/.run-stamp
DEV_STAMP := .venv/.dev-stamp

.PHONY: setup run test check lint types pictures bench bench-site accuracy faults load fuzz pywb axe pins clean
.DEFAULT_GOAL := setup

setup: $(RUN_STAMP)

# One round over sources.csv; ends 0 when the round did its work, whatever it found.
run: $(RUN_STAMP)
	@$(BIN)/verifier run; code=$$?; case $$code in 0|1|3) exit 0;; *) exit $$code;; esac

test: $(DEV_STAMP)
	$(BIN)/pytest -n 2 $(PYTEST_ARGS)

check: lint types test

lint: $(DEV_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV_STAMP)
	$(BIN)/mypy

bench: $(DEV_STAMP)
	$(BIN)/python -m bench $(BENCH_ARGS)

# The README's pictures, of the demonstration; needs Debian's chromium.
pictures: $(DEV_STAMP)
	@mkdir -p docs/pictures
	$(BIN)/python -m tests.web.pictures docs/pictures

# 100,000 sources on 2,000 hosts of which 2 % misbehave: exact counts, pauses kept, memory flat.
load: $(DEV_STAMP)
	$(BIN)/python -m bench.load $(LOAD_ARGS)

# Coverage-guided bytes against all that reads a stranger's bytes; FUZZ_SECONDS for each target.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= html plain pdf headers url table quotation
fuzz: $(DEV_STAMP) .fuzz/lib
	@for target in $(FUZZ_TARGETS); do \
	  echo "fuzzing $$target for $(FUZZ_SECONDS) s"; mkdir -p .fuzz/$$target; \
	  PYTHONPATH=.fuzz/lib $(BIN)/python -m tests.fuzz $$target -max_total_time=$(FUZZ_SECONDS) -timeout=10 \
	    -rss_limit_mb=3000 -max_len=8192 -verbosity=0 -print_final_stats=1 -artifact_prefix=.fuzz/ \
	    .fuzz/$$target || exit 1; \
	done
.fuzz/lib: | .venv/bin/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --target $@ atheris==3.0.0

# Every answer over the labelled corpus; fails where one of the errors is unforgivable.
accuracy: $(DEV_STAMP)
	$(BIN)/python -m tests.accuracy --write docs/accuracy.md $(ACCURACY_ARGS)

# Rounds stopped 200 times at random moments; then no room, no right, no lock, at every size.
faults: $(DEV_STAMP)
	$(BIN)/python -m tests.faults
	FAULTS_ROOMS=0,4,8,16,24,32,48,64,96,128,160,200,260,320,400,500 $(BIN)/pytest -q tests/faults --deselect tests/faults/test_killed.py

# How long the pages of `verifier serve` take, with 1,000 and 100,000 sources; writes docs/site.md.
bench-site: $(DEV_STAMP)
	$(BIN)/python -m bench.site --write docs/site.md $(BENCH_ARGS)

# pywb is GPL and brings another brotli: it has an environment of its own, for one test.
pywb: .pywb/bin/wayback
.pywb/bin/wayback: | .venv/bin/python
	@$(PYTHON) -m venv .pywb
	@.pywb/bin/pip install --quiet --disable-pip-version-check pywb==2.10.0

# What finds fault with pages that not everybody can read; for the browser tests. No lock file:
# the version is here.
axe: .axe/node_modules/axe-core/axe.min.js
.axe/node_modules/axe-core/axe.min.js:
	@npm install --silent --no-save --no-package-lock --no-audit --no-fund --prefix .axe axe-core@4.10.3

# Renew the pins within the ranges of pyproject.toml; the files name no address.
pins:
	cd requirements && uv pip compile ../pyproject.toml --group ../pyproject.toml:build $(PIN_FLAGS) -o run.txt
	cd requirements && uv pip compile ../pyproject.toml --group ../pyproject.toml:build --group ../pyproject.toml:dev $(PIN_FLAGS) -c run.txt -o dev.txt
PIN_FLAGS := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -q

clean:
	rm -rf .venv .mypy_cache .ruff_cache build dist

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "verifier needs Python 3.11 or newer; this is $$($(PYTHON) --version 2>&1). Cure: make PYTHON=python3.11 setup" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "This Python cannot make virtual environments. Cure, on Debian or Ubuntu: apt install python3-venv" >&2; exit 2; }
	@echo "Setting up .venv …"
	@$(PYTHON) -m venv .venv

$(RUN_STAMP): requirements/run.txt pyproject.toml | .venv/bin/python
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv  # an earlier set-up was cut short
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(DEV_STAMP): requirements/dev.txt $(RUN_STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@
