# `make run` and `make test` need Python 3.11 or newer, and nothing else.

# Several `make run` with one Azurite share the work, as instances of the app in Azure do.
AZURITE = 3.35.0
AXE = 4.14.1

.PHONY: help run test coverage check mutants audit chaos fuzz bench azurite gallery screenshots docs package clean
.DEFAULT_GOAL := help

PYTHONS = python3 python3.14 python3.13 python3.12 python3.11 $(wildcard $(shell pyenv root 2>/dev/null)/versions/3.1[1-9]*/bin/python)
NEWER = -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < $(1))'

help:
	@echo 'make run          run the bridge on this machine, with a page that shows the group: http://127.0.0.1:7071/'
	@echo 'make test         run all tests'
	@echo 'make coverage     run all tests, and list the lines that none of them reaches'
	@echo 'make chaos        kill, freeze and break things for minutes: nothing may be lost or posted twice'
	@echo 'make fuzz         send 20,000 payloads, bodies and headers that no service would send'
	@echo 'make bench        measure what everything costs: docs/performance.md'
	@echo 'make azurite      run the emulator of Azure Storage, for AzureWebJobsStorage=UseDevelopmentStorage=true make run'
	@echo 'make gallery      write the posts of all samples to build/gallery'
	@echo 'make screenshots  take the pictures of the docs with a headless Chromium'
	@echo 'make docs         regenerate everything that repeats the code: docs, deployment, gallery'
	@echo 'make package      build released-package.zip, which Azure runs as it is'
	@echo 'make check        check style, types and layers'
	@echo 'make mutants      change the critical code in many ways, and list the changes that no test notices'
	@echo 'make audit        look for known vulnerabilities in the libraries (asks PyPI)'
	@echo 'make clean        remove everything that the other targets have made'

run: .venv/ready
	@exec .venv/bin/python -m bridge run

test: .venv/ready worker emulator axe
	@.venv/bin/python -m pytest --numprocesses=4 --dist=worksteal $(PYTEST)

# Half as long again, and so on no more workers than cores: some tests run the clock twenty times as fast.
coverage:
	@$(MAKE) --no-print-directory test PYTEST="--cov --numprocesses=auto"

check: .venv/ready
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check --quiet .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache

# Takes half an hour. `.venv/bin/mutmut show <name>` shows a change that no test has noticed.
mutants: .venv/ready
	@.venv/bin/python -m pip install -qq --disable-pip-version-check 'mutmut>=3.8'
	@.venv/bin/mutmut run

audit: .venv/ready
	@.venv/bin/python -m pip install -qq --disable-pip-version-check 'pip-audit>=2.10'
	@.venv/bin/pip-audit --requirement requirements.txt

chaos: .venv/ready emulator
	@.venv/bin/python -m tests.chaos

fuzz: .venv/ready
	@FUZZ=20000 .venv/bin/python -m pytest --numprocesses=auto --dist=load tests/test_attacks.py tests/test_sources.py

# `make bench BENCH=receive` measures only that, and leaves the page unchanged.
bench: .venv/ready emulator
	@.venv/bin/python -m tests.bench $(BENCH)

azurite: emulator
	@exec .azurite/node_modules/.bin/azurite --location .bridge/azurite --disableTelemetry --silent

docs: gallery
	@.venv/bin/python -m tools.docs

package: .venv/ready
	@.venv/bin/python -m tools.package released-package.zip $(PYTHONS)

gallery: .venv/ready
	@.venv/bin/python -m tools.gallery

screenshots: .venv/ready
	@.venv/bin/python -m tests.screenshots

clean:
	@rm -rf build mutants .venv .azurite .axe .venv-worker .bridge .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

.venv/ready: requirements.txt requirements-dev.txt
	@echo 'Setting up .venv (once)'
	@for python in $(PYTHONS); do \
	  if $$python $(call NEWER,(3, 11)) 2>/dev/null; then found=$$python; break; fi; done; \
	if [ -z "$$found" ]; then echo 'Python 3.11 or newer was not found: install it with venv and pip.' >&2; exit 1; fi; \
	$$found -m venv .venv
	@.venv/bin/python -m pip install -qq --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# Microsoft's worker library needs Python 3.13. Without it, its tests are skipped.
worker: .venv-worker/ready

.venv-worker/ready: requirements.txt
	@for python in $(PYTHONS); do \
	  if $$python $(call NEWER,(3, 13)) 2>/dev/null; then found=$$python; break; fi; done; \
	if [ -z "$$found" ]; then echo 'No Python 3.13 or newer: the tests with the Functions worker library are skipped.'; exit 0; fi; \
	echo 'Setting up .venv-worker (once)'; \
	$$found -m venv .venv-worker && \
	.venv-worker/bin/python -m pip install -qq --disable-pip-version-check azure-functions-runtime starlette uvicorn -r requirements.txt && \
	touch $@

# The emulator needs Node. Without it, the tests with Azure Storage are skipped.
emulator: .azurite/ready

.azurite/ready:
	@if ! command -v npm >/dev/null; then echo 'No npm: the tests with Azurite are skipped.'; exit 0; fi; \
	echo 'Setting up .azurite (once)'; \
	npm install --prefix .azurite --silent --no-audit --no-fund azurite@$(AZURITE) && touch $@

# axe-core checks the accessibility of the page, and needs Node. Without it, its test is skipped.
axe: .axe/ready

.axe/ready:
	@if ! command -v npm >/dev/null; then echo 'No npm: the accessibility of the page is not checked.'; exit 0; fi; \
	echo 'Setting up .axe (once)'; \
	npm install --prefix .axe --silent --no-audit --no-fund axe-core@$(AXE) && touch $@

.PHONY: worker emulator axe
