# `make run` and `make test` need Python 3.11 or newer, or uv, and nothing else.

# Several `make run` with one Azurite share the work, as instances of the app in Azure do.
AZURITE = 3.35.0
AXE = 4.14.1

# The environment of all targets. With another version of Python in it, it needs another name.
VENV = .venv
# Without bytecode every process that a test starts would compile the bridge again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run setup test newer test-newer coverage check mutants audit lock azure-cli checkov chaos fuzz bench azurite gallery screenshots docs package sbom site flamegraphs clean
.DEFAULT_GOAL := help

# uv installs in a fifth of the time of pip. Where it does not find what pip is configured to find, pip does it, and shows
# what it has to say only if it fails.
UV := $(shell command -v uv 2>/dev/null)
PIP = $(1)/bin/python -m pip install -q --disable-pip-version-check
install = { [ -n '$(UV)' ] && '$(UV)' pip install --quiet --python $(1)/bin/python --compile-bytecode $(2) 2>/dev/null; } || \
  { $(PIP) $(2) > $(1)/install.log 2>&1 || { cat $(1)/install.log >&2; false; }; }
# For what takes pip a minute, uv is fetched first.
install-much = if [ -z '$(UV)' ] && $(PIP) --only-binary=:all: 'uv>=0.9' 2>/dev/null; then \
  $(1)/bin/uv pip install --quiet --python $(1)/bin/python --compile-bytecode $(2) || $(PIP) $(2); else $(call install,$(1),$(2)); fi

PYTHONS = python3 python3.14 python3.13 python3.12 python3.11 $(wildcard $(shell pyenv root 2>/dev/null)/versions/3.1[1-9]*/bin/python)
NEWER = -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < $(1))'

help:
	@echo 'make run          run the bridge on this machine, with a page that shows the group: http://127.0.0.1:7071/'
	@echo 'make test         run all tests'
	@echo 'make coverage     run all tests, and list the lines that none of them reaches'
	@echo 'make chaos        kill, freeze and break things for minutes: nothing may be lost or posted twice'
	@echo 'make fuzz         send 20,000 payloads, bodies and headers that no service would send'
	@echo 'make bench        measure what everything costs: docs/performance.md'
	@echo 'make flamegraphs  draw where the time goes: docs/flames-*.svg'
	@echo 'make azurite      run the emulator of Azure Storage, for AzureWebJobsStorage=UseDevelopmentStorage=true make run'
	@echo 'make gallery      write the posts of all samples to build/gallery'
	@echo 'make screenshots  take the pictures of the docs with a headless Chromium'
	@echo 'make docs         regenerate everything that repeats the code: docs, deployment, gallery'
	@echo 'make site         build the documentation as a site: build/site'
	@echo 'make package      build released-package.zip, which Azure runs as it is'
	@echo 'make sbom         list the libraries in released-package.zip: released-package.cdx.json (CycloneDX)'
	@echo 'make check        check style, types and layers'
	@echo 'make mutants      change the critical code in many ways, and list the changes that no test notices'
	@echo 'make audit        look for known vulnerabilities in the libraries of the package (asks PyPI)'
	@echo 'make lock         renew requirements.lock, the versions in the package (asks PyPI)'
	@echo 'make azure-cli    parse the commands of the docs with Azure CLI, and renew what tests know of it (700 MB)'
	@echo 'make checkov      scan the template for what is insecure (300 MB)'
	@echo 'make clean        remove everything that the other targets have made'

run: $(VENV)/runtime
	@exec $(VENV)/bin/python -m bridge run

setup: $(VENV)/ready worker emulator axe

# `make test PYTEST="-m 'not slow'"` leaves out what takes a browser, a cluster of hosts or a package.
test: setup
	@$(VENV)/bin/python -m pytest --workers=auto $(PYTEST)

coverage:
	@$(MAKE) --no-print-directory test PYTEST="--cov"

# The same with Azure's version of Python or a newer one, if it is found, and if .venv has an older one.
NEED_NEWER = [ -e .venv-worker/ready ] && ! $(VENV)/bin/python $(call NEWER,(3, 13))
IN_NEWER = --no-print-directory VENV=.venv-newer PYTHONS=.venv-worker/bin/python

newer: $(VENV)/ready worker
	@if $(NEED_NEWER); then $(MAKE) $(IN_NEWER) .venv-newer/ready; fi

test-newer: newer
	@if $(NEED_NEWER); then $(MAKE) $(IN_NEWER) test; fi

check: $(VENV)/ready
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check --quiet .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports --no-cache

# Takes half an hour. `.venv/bin/mutmut show <name>` shows a change that no test has noticed.
mutants: $(VENV)/ready
	@$(VENV)/bin/python -m pip install -qq --disable-pip-version-check 'mutmut>=3.8'
	@FOLDER_OF_THE_TEST_RUN=$$(mktemp -d) $(VENV)/bin/mutmut run

audit: $(VENV)/ready
	@$(VENV)/bin/python -m pip install -qq --disable-pip-version-check 'pip-audit>=2.10'
	@$(VENV)/bin/pip-audit --requirement requirements.lock --require-hashes --disable-pip --strict

# Renovate does the same with the command that it finds in the lock.
lock: $(VENV)/ready
	@$(VENV)/bin/python -m pip install -qq --disable-pip-version-check 'uv>=0.9'
	@$(VENV)/bin/uv pip compile requirements.txt --output-file=requirements.lock --generate-hashes --universal \
	  --python-version=3.13 --upgrade --quiet

# Tests read what it writes: tests/data/azure/cli.json. Azure CLI itself is too large for every run of the tests.
azure-cli: $(VENV)/ready
	@$(VENV)/bin/python -m venv .azure-cli
	@.azure-cli/bin/python -m pip install -qq --disable-pip-version-check azure-cli
	@.azure-cli/bin/python -m tools.azure_cli

checkov: $(VENV)/ready
	@$(VENV)/bin/python -m venv .checkov
	@.checkov/bin/python -m pip install -qq --disable-pip-version-check checkov
	@$(VENV)/bin/python -m tests.checkov .checkov/bin/checkov

chaos: $(VENV)/ready emulator
	@$(VENV)/bin/python -m tests.chaos

fuzz: $(VENV)/ready
	@FUZZ=20000 $(VENV)/bin/python -m pytest --workers=auto tests/test_attacks.py tests/test_sources.py \
	  tests/test_strangers.py tests/test_entry_limits.py tests/test_text_costs.py tests/test_reading_rules.py \
	  tests/test_invisible_text.py tests/test_look.py tests/test_look_stories.py tests/test_look_words.py \
	  tests/test_github_reading.py tests/test_digests.py

# `make bench BENCH=receive` measures only that, and leaves the page unchanged.
bench: $(VENV)/ready emulator
	@$(VENV)/bin/python -m tests.bench $(BENCH)

# Draws docs/flames-*.svg: where the time of receiving and of the local host goes, before it was made faster and now.
flamegraphs: $(VENV)/ready
	@$(VENV)/bin/python -m tests.bench.flames

azurite: emulator
	@exec .azurite/node_modules/.bin/azurite --location .bridge/azurite --disableTelemetry --silent

docs: gallery
	@$(VENV)/bin/python -m tools.docs

# Builds it in an environment of its own, and fails at a dead link and at anything that another host would serve.
site: $(VENV)/ready
	@$(VENV)/bin/python -m tools.site

package: $(VENV)/ready
	@$(VENV)/bin/python -m tools.package released-package.zip $(PYTHONS)

sbom: package
	@$(VENV)/bin/python -m tools.sbom released-package.zip released-package.cdx.json

gallery: $(VENV)/ready
	@$(VENV)/bin/python -m tools.gallery

screenshots: $(VENV)/ready
	@$(VENV)/bin/python -m tests.screenshots

clean:
	@rm -rf build mutants .node-red .venv .venv-newer .venv-worker .venv-site .azurite .axe .azure-cli .checkov .bridge .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

define NO_PYTHON
Python 3.11 or newer with venv and pip was not found. Install it (https://www.python.org/downloads/; on Debian and Ubuntu:
sudo apt install python3-venv), or install uv, which brings Python along (https://docs.astral.sh/uv/), and try again.
endef
export NO_PYTHON

$(VENV)/runtime: requirements.txt requirements-local.txt
	@for python in $(PYTHONS); do \
	  if $$python $(call NEWER,(3, 11)) 2>/dev/null; then found=$$python; break; fi; done; \
	if [ -z "$$found$(UV)" ]; then echo "$$NO_PYTHON" >&2; exit 1; fi; \
	echo "Setting up $(VENV), once: the libraries that the bridge needs, 75 MB, in about 15 seconds ..."; \
	{ [ -n '$(UV)' ] && '$(UV)' venv --quiet --seed --allow-existing --python "$${found:-3.13}" $(VENV) 2>/dev/null; } || \
	$$found -m venv $(VENV)
	@$(call install,$(VENV),-r requirements-local.txt)
	@: > $@

$(VENV)/ready: $(VENV)/runtime requirements-dev.txt
	@echo 'Adding the tools for development to $(VENV), once: 400 MB, in one to two minutes ...'
	@$(call install-much,$(VENV),-r requirements-dev.txt)
	@: > $@

# Microsoft's worker library needs Python 3.13. Without it, its tests are skipped.
worker: .venv-worker/ready

.venv-worker/ready: requirements.txt
	@for python in $(PYTHONS); do \
	  if $$python $(call NEWER,(3, 13)) 2>/dev/null; then found=$$python; break; fi; done; \
	if [ -z "$$found" ]; then echo 'No Python 3.13 or newer: the tests with the Functions worker library are skipped.'; exit 0; fi; \
	echo 'Setting up .venv-worker (once)'; \
	$$found -m venv .venv-worker && \
	{ $(call install-much,.venv-worker,azure-functions-runtime starlette uvicorn -r requirements.txt); } && \
	: > $@

# The emulator needs Node. Without it, the tests with Azure Storage are skipped.
emulator: .azurite/ready

.azurite/ready:
	@if ! command -v npm >/dev/null; then echo 'No npm: the tests with Azurite are skipped.'; exit 0; fi; \
	echo 'Setting up .azurite (once)'; \
	npm install --prefix .azurite --silent --no-audit --no-fund azurite@$(AZURITE) && : > $@

# axe-core checks the accessibility of the page, and needs Node. Without it, its test is skipped.
axe: .axe/ready

.axe/ready:
	@if ! command -v npm >/dev/null; then echo 'No npm: the accessibility of the page is not checked.'; exit 0; fi; \
	echo 'Setting up .axe (once)'; \
	npm install --prefix .axe --silent --no-audit --no-fund axe-core@$(AXE) && : > $@

.PHONY: worker emulator axe
