# Every target does its own set-up on a machine that has Python 3.11 and make; the second time it is quick.

VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
CORE := $(VENV)/.core
DEV := $(VENV)/.dev
SYSTEM := $(VENV)/.system
SOURCES := features models pipelines review tests
COMPILE := cd requirements && ../$(UV) pip compile ../pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet
WORKERS ?= 2

export OMP_WAIT_POLICY := PASSIVE

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench docs lock clean

help: ## Show this list.
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(CORE) ## Run the whole product on a simulated company; the report lands in ./demo.
	$(BIN)/partnerlift demo --out demo

test: $(DEV) $(SYSTEM) ## Run every test; set ARGS for pytest, e.g. make test ARGS='-m "not slow"'.
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

check: $(DEV) ## Lint, check the format and the types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(SOURCES)

format: $(DEV) ## Format the code and mend what can be mended.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(DEV) ## Run the benchmarks; they print what they measured.
	@for file in $(wildcard benchmarks/[a-z]*.py); do echo "== $$file"; $(BIN)/python $$file || exit 1; done

docs: $(DEV) ## Write the pages of docs/ that are made from the code, and configs/default.yaml.
	$(BIN)/python -m pipelines.reference

lock: $(UV) ## Resolve the dependencies anew.
	$(COMPILE) --upgrade --group ../pyproject.toml:dev --extra tune --extra spark --extra database --extra notebooks --extra review --output-file dev.lock
	$(COMPILE) --constraint dev.lock --extra review --output-file core.lock
	$(COMPILE) --constraint dev.lock --extra database --extra review --output-file production.lock

clean: ## Remove the environment, caches and the demo.
	rm -rf $(VENV) demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info

$(UV): scripts/venv
	scripts/venv
	@touch $@

# The tested versions that the product needs, its review page included. They are added, so that an environment for tests stays one.
$(CORE): requirements/core.lock pyproject.toml $(UV)
	$(UV) pip install --python $(VENV) --quiet --require-hashes --requirements requirements/core.lock
	$(UV) pip install --python $(VENV) --quiet --no-deps --editable .
	@touch $@

$(DEV): requirements/dev.lock pyproject.toml $(UV)
	$(UV) pip sync --python $(VENV) --quiet --require-hashes requirements/dev.lock
	$(UV) pip install --python $(VENV) --quiet --no-deps --editable .
	@touch $@ $(CORE)

$(SYSTEM): scripts/system-packages $(UV)
	scripts/system-packages
	@touch $@
