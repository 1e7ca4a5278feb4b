# Two commands do everything on a fresh clone with Python 3.11 and venv: make demo, make test.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1

.PHONY: demo test check mutants bench acceptance clean

$(VENV)/ready: constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Metergate needs Python 3.11 or newer")'
	@echo "Setting up $(VENV): about a minute the first time"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(VENV)/ready
	@$(BIN)/metergate demo $(ARGS)

test: $(VENV)/ready
	@$(BIN)/python -m pytest -q -n 2 --dist loadscope $(ARGS)

check: $(VENV)/ready
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

mutants: $(VENV)/ready
	@$(if $(ARGS),,rm -rf mutants)
	@$(BIN)/mutmut run --max-children $(or $(JOBS),1) $(ARGS)
	@$(BIN)/python -m tests.policies.survivors

bench: $(VENV)/ready
	@$(BIN)/python bench/run.py $(ARGS)

acceptance: $(VENV)/ready
	@$(BIN)/python -m tests.acceptance.run $(if $(ONLY),--only $(ONLY)) $(if $(ARGS),-- $(ARGS))

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .import_linter_cache .hypothesis build mutants *.egg-info
