# Two commands do everything: `make run` and `make test`. Python 3.11 or newer is all they need.

# Several `make run` on one Azurite share the work, as instances of the app in Azure do.
AZURITE = 3.35.0
AXE = 4.14.1

.PHONY: help run test coverage check mutants audit chaos fuzz bench azurite gallery screenshots docs package clean
.DEFAULT_GOAL := help

PYTHONS = python3 python3.14 python3.13 python3.12 python3.11 $(wildcard $(shell pyenv root 2>/dev/null)/versions/3.1[1-9]*/bin/python)
NEWER = -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < $(1))'

help:
	@echo 'make run     the bridge on this machine, with a page that shows the group: http://127.0.0.1:7071/'
	@echo 'make test    every test'
	@echo 'make coverage  every test, and the lines that none of them reaches'
	@echo 'make chaos   minutes of kills, freezes and faults: nothing lost, nothing told twice'
	@echo 'make fuzz    20,000 payloads, bodies and headers that no service would send'
	@echo 'make bench   what everything costs, as ratios of one run: docs/performance.md'
	@echo 'make azurite the emulator of Azure Storage; use it with AzureWebJobsStorage=UseDevelopmentStorage=true make run'
	@echo 'make gallery what every sample becomes, as pages in build/gallery'
	@echo 'make screenshots  the pictures of docs/look.md, by a headless Chromium'
	@echo 'make docs    what the docs and the deployment repeat of the code: services, tables, settings'
	@echo 'make package released-package.zip, which Azure runs as it is'
	@echo 'make check   linters, types and layers'
	@echo 'make mutants whether a test notices each change to the code that nothing may slip through'
	@echo 'make audit   whether the libraries have known vulnerabilities (asks PyPI)'
	@echo 'make clean   removes what the others have made'

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

# Half an hour. `.venv/bin/mutmut show <name>` shows one that no test has noticed.
mutants: .venv/ready
	@.venv/bin/python -m pip install -qq --disable-pip-version-check 'mutmut>=3.8'
	@.venv/bin/mutmut run

audit: .venv/ready
	@.venv/bin/python -m pip install -qq --disable-pip-version-check 'pip-audit>=2.10'
	@.venv/bin/pip-audit --requirement requirements.txt

chaos: .venv/ready emulator
	@.venv/bin/python -m tests.chaos

# BENCH=receive measures that alone, and leaves the page as it is.
fuzz: .venv/ready
	@FUZZ=20000 .venv/bin/python -m pytest --numprocesses=auto --dist=load tests/test_attacks.py tests/test_sources.py

bench: .venv/ready emulator
	@.venv/bin/python -m tests.bench $(BENCH)

azurite: emulator
	@exec .azurite/node_modules/.bin/azurite --location .bridge/azurite --disableTelemetry --silent

# What stands elsewhere of the code: the posts of all samples, the tables of what templates see, the list of sources.
docs: .venv/ready
	@.venv/bin/python -m tools.services_page docs/sources.md
	@.venv/bin/python -m tools.template_tables docs/templates.md
	@.venv/bin/python -m tools.deployment .

package: .venv/ready
	@.venv/bin/python -m tools.package released-package.zip $(PYTHONS)

gallery: .venv/ready
	@.venv/bin/python -m tools.gallery

screenshots: .venv/ready
	@.venv/bin/python -m tests.screenshots

clean:
	@rm -rf mutants .venv .azurite .axe .venv-worker .bridge .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

.venv/ready: requirements.txt requirements-dev.txt
	@echo 'Setting up .venv (once)'
	@for python in $(PYTHONS); do \
	  if $$python $(call NEWER,(3, 11)) 2>/dev/null; then found=$$python; break; fi; done; \
	if [ -z "$$found" ]; then echo 'Python 3.11 or newer was not found: install it, with venv and pip.' >&2; exit 1; fi; \
	$$found -m venv .venv
	@.venv/bin/python -m pip install -qq --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# Microsoft's own worker library needs Python 3.13; where there is none, its tests say so and are left out.
worker: .venv-worker/ready

.venv-worker/ready: requirements.txt
	@for python in $(PYTHONS); do \
	  if $$python $(call NEWER,(3, 13)) 2>/dev/null; then found=$$python; break; fi; done; \
	if [ -z "$$found" ]; then echo 'No Python 3.13 or newer: the tests over the Functions worker library are left out.'; exit 0; fi; \
	echo 'Setting up .venv-worker (once)'; \
	$$found -m venv .venv-worker && \
	.venv-worker/bin/python -m pip install -qq --disable-pip-version-check azure-functions-runtime starlette uvicorn -r requirements.txt && \
	touch $@

# The emulator needs Node; where there is none, the tests over Azure Storage say so and are left out.
emulator: .azurite/ready

.azurite/ready:
	@if ! command -v npm >/dev/null; then echo 'No npm: the tests over Azurite are left out.'; exit 0; fi; \
	echo 'Setting up .azurite (once)'; \
	npm install --prefix .azurite --silent --no-audit --no-fund azurite@$(AZURITE) && touch $@

# What looks for what some people cannot use in the page; where there is no Node, its test says so and is left out.
axe: .axe/ready

.axe/ready:
	@if ! command -v npm >/dev/null; then echo 'No npm: the page is not looked through by axe-core.'; exit 0; fi; \
	echo 'Setting up .axe (once)'; \
	npm install --prefix .axe --silent --no-audit --no-fund axe-core@$(AXE) && touch $@

.PHONY: worker emulator axe
