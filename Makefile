# Two commands are all a newcomer needs: make demo, make test. Each makes its own virtual environment.
PYTHON ?= python3
ifeq ($(OS),Windows_NT)
BIN = Scripts
else
BIN = bin
endif

.PHONY: demo test lint fuzz bench clean

demo: .venv-demo/installed
	.venv-demo/$(BIN)/sso-magic demo $(ARGS)

test: .venv/installed lint
	.venv/$(BIN)/python -m pytest -n 2 --dist loadfile --ignore=tests/compat $(ARGS)
	.venv/$(BIN)/python -m pytest -n 2 --dist loadfile tests/compat $(ARGS)  # native libraries, in processes of their own

lint: .venv/installed
	.venv/$(BIN)/ruff check .
	.venv/$(BIN)/ruff format --check .
	.venv/$(BIN)/mypy

.venv-demo/installed: pyproject.toml
	$(PYTHON) -m venv .venv-demo
	.venv-demo/$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[demo]"
	touch $@

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	.venv/$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test]"
	touch $@

clean:
	rm -rf .venv .venv-demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
