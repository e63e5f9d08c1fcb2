# Every target makes the environment it needs from the hashed lock. Only python3 (3.11 or newer, with venv) has to be there;
# another one: make test PYTHON=python3.13 VENV=.venv-3.13. More for the tool behind a target: make test ARGS="-k junit"; other tests:
# make test TESTS=tests/property.
PYTHON ?= python3
VENV ?= .venv
VERSION ?= main
# Much of the tests is waiting: a process more than there are cores.
JOBS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1) + 1)))
ARGS ?=
TESTS ?= tests/unit tests/contract tests/main_job tests/agreement tests/test_golden.py tests/test_corpus.py

RESTING := tests/contract/test_import_endpoints.py tests/contract/test_import_failures.py tests/contract/test_stores.py \
	tests/contract/test_repeats.py tests/contract/test_regions.py tests/contract/test_snapshots_trigger.py

BIN := $(VENV)/bin
PY := $(BIN)/python
PIP = $(PY) -m pip --disable-pip-version-check --quiet --quiet
# An environment is as good as new while the lock, the interpreter and the folder are those that made it.
made = $(shell $(PYTHON) -c 'import hashlib, os, sys; print(hashlib.sha256(b"".join(open(name, "rb").read() for name in sys.argv[1:]) + repr((sys.version, os.getcwd())).encode()).hexdigest()[:16])' $(1))
READY := $(VENV)/made-of-$(call made,requirements/dev.txt)
DEMO := .venv-demo/made-of-$(call made,requirements/emulator.txt)
CONTAINER = $(READY)-container-$(call made,requirements/container.txt)
CLIENTS := .venv-clients/made-of-$(call made,requirements/clients.txt)
SITE := .venv-site/made-of-$(call made,requirements/site.txt)
FUZZ := .venv-fuzz/made-of-$(call made,requirements/fuzz.txt)
CHROMIUM := chromium fonts-noto-color-emoji
YAML := .github .yamllint.yml action.yml composite/action.yml templates .gitlab-ci.yml tests/container/act
SCRIPTS := .ci/run composite/run.sh $(wildcard tests/container/*.sh .github/scripts/*.sh)
PROSE := README.md CHANGELOG.md docs .github requirements/README.md action.yml composite templates xray_ci/settings/help.txt

.DEFAULT_GOAL := help
.PHONY: help demo test facts format lint bench proof coverage slow laws clients fuzz container-test generate lock lock-test browser-test screenshots image-test site clean

help:  ## Show this
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 24

define environment  # $(1) its folder, $(2) its lock
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "xray-ci needs Python 3.11 or newer; name one: make PYTHON=python3.13")'
	@echo "making $(1) from $(2)"
	@rm -rf $(1)
	@$(PYTHON) -m venv $(1)
	@$(1)/bin/python -m pip --disable-pip-version-check --quiet --quiet install --no-deps --require-hashes --only-binary :all: -r $(2)
endef

$(READY):
	$(call environment,$(VENV),requirements/dev.txt)
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEMO):
	$(call environment,.venv-demo,requirements/emulator.txt)
	@touch $@

$(SITE):
	$(call environment,.venv-site,requirements/site.txt)
	@touch $@

$(FUZZ):
	$(call environment,.venv-fuzz,requirements/fuzz.txt)
	@touch $@

$(CLIENTS):
	$(call environment,.venv-clients,requirements/clients.txt)
	@touch $@

$(CONTAINER): $(READY)
	@$(PIP) install --no-deps --require-hashes --only-binary :all: -r requirements/container.txt
	@touch $@

demo: $(DEMO)  ## The whole job with sample reports against the emulator: no account, no configuration (ARGS=--keep)
	@.venv-demo/bin/python -I -u entrypoint.py demo $(ARGS)

test: $(READY)  ## What a change needs first, in a minute and a half: units, contracts, the main job, agreements, samples
	@echo "Testing units, contracts, the main job, agreements and samples with $$($(PY) -V): a minute and a half on two cores."
	@echo "Laws, coverage and the slow proofs are in make proof."
	$(PY) -m pytest --numprocesses $(JOBS) --dist loadgroup --durations=5 $(TESTS) $(ARGS)

proof: coverage slow laws  ## About twenty minutes: all tests with branch coverage, slow proofs, every law with many examples

coverage: $(READY)
	$(PY) -m pytest --numprocesses $(JOBS) --ignore tests/property --cov --cov-report=term:skip-covered $(ARGS)

slow: $(READY)
	$(PY) -m pytest --numprocesses $(JOBS) -m proof --timeout 900 $(ARGS)

laws: $(READY)  ## Every law with many examples (PROFILE=search: five times as many, new ones each time)
	$(PY) -m pytest tests/property --numprocesses $(JOBS) --hypothesis-profile $(or $(PROFILE),deep) --timeout 1800 $(ARGS)

facts: $(READY)  ## What rests on facts, against an emulator that does what each contributed report tells of a site
	@set -e; for report in tests/data/facts/*.json; do echo "under $$report"; \
	XRAY_CI_FACTS="$$report" $(PY) -m pytest --numprocesses $(JOBS) $(RESTING) $(ARGS); done

fuzz: $(FUZZ)  ## Every family of readers against a coverage-guided fuzzer (ARGS=seconds for each, 10)
	@.venv-fuzz/bin/python -B tests/fuzz/run.py --jobs $(JOBS) $(ARGS)

clients: $(READY) $(CLIENTS)  ## Public clients of Xray and Jira against the emulator; prints the table client x call
	.venv-clients/bin/python -B tests/clients/run.py $(PY)

bench: $(READY) $(if $(filter quick,$(ARGS)),,$(CLIENTS))  ## The whole import beside its limits, a quarter of an hour; ARGS=quick: two minutes of it, as CI does; ARGS=mixes: one group
	$(PY) tests/bench/run.py $(ARGS)
	tests/container/with-image.sh $(PY) tests/bench/images.py

container-test: $(CONTAINER)  ## Build the image and run it as GitHub, GitLab and Jenkins do
	tests/container/with-image.sh $(PY) -m pytest -m container --numprocesses 2 --dist loadfile --timeout 300 $(ARGS)

# A Chromium where root and apt-get are there, with a font that has the signs of a job summary.
BROWSER = $(READY)-browser-$(call made,requirements/browser.txt)
$(BROWSER): $(READY)
	@$(PIP) install --no-deps --require-hashes --only-binary :all: -r requirements/browser.txt
	@[ "$$(id -u)" != 0 ] || apt-get install --yes --quiet $(CHROMIUM) >/dev/null 2>&1 || \
		{ apt-get update --quiet >/dev/null && apt-get install --yes --quiet $(CHROMIUM) >/dev/null; } || true
	@touch $@

browser-test: $(BROWSER) site  ## The pages in a real Chromium, which is installed where root and apt-get are there
	@command -v chromium >/dev/null || echo "NO CHROMIUM, and none can be installed: the pages were not looked at."
	@! command -v chromium >/dev/null || $(PY) -m pytest -m browser tests/browser --numprocesses 2 $(ARGS)

screenshots: $(BROWSER)  ## Pictures of log, summary, report and pages in build/screenshots (ARGS=--readme: the README's, too)
	$(PY) tests/browser/screenshots.py build/screenshots $(ARGS)

site: $(SITE)  ## The documentation as a site, every link and anchor checked: build/site/main
	@rm -rf build/site build/doctrees
	SITE_VERSION=$(VERSION) .venv-site/bin/sphinx-build --quiet --fail-on-warning --keep-going --nitpicky --conf-dir docs \
		--doctree-dir build/doctrees . build/site/$(VERSION)
	@.venv-site/bin/python .github/scripts/versions.py build/site

image-test: $(READY)  ## The tests of `make test` inside the image, with its own Python
	JOBS=$(JOBS) tests/container/with-image.sh tests/container/in-image.sh $(filter-out tests/agreement,$(TESTS))

lint: $(READY)  ## Style, types, layers, generated files, spelling, workflows, scripts, Dockerfile
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --strict composite/install.py
	$(BIN)/lint-imports --no-cache
	$(PY) -m xray_ci.settings.documents --check .
	$(BIN)/codespell $(PROSE)
	$(BIN)/codespell --ignore-words-list iterm,spool,spooled xray_ci
	$(BIN)/yamllint --strict $(YAML)
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/actionlint .github/workflows/*.yml tests/container/act/*.yml
	$(BIN)/zizmor --offline --quiet --persona pedantic .github action.yml composite
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml composite/action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci .gitlab-ci.yml
	$(if $(wildcard $(BIN)/shellcheck),$(BIN)/shellcheck $(SCRIPTS),@echo "no shellcheck for this machine: scripts are not checked")
	$(if $(wildcard $(BIN)/hadolint),$(BIN)/hadolint Dockerfile,@echo "no hadolint for this machine: the Dockerfile is not checked")

format: $(READY)  ## Format product and tests
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format .

generate: $(READY)  ## Write what is made from the tables: action.yml, README table, config schema, pages of formats and facts
	$(PY) -m xray_ci.settings.documents --write .
	$(PY) tests/agreement/formats_table.py --write
	$(PY) tests/agreement/facts_table.py --write

LOCKS := $(filter-out requirements/oldest-pip.txt,$(wildcard requirements/*.txt))
LOCKED = $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links --no-strip-extras $(ARGS)
lock: $(READY)  ## Write the lock from pyproject.toml (ARGS=--upgrade)
	$(LOCKED) pyproject.toml --extra emulator --group dev --output-file requirements/dev.txt
	$(LOCKED) pyproject.toml --constraint requirements/dev.txt --output-file requirements/runtime.txt
	$(LOCKED) pyproject.toml --constraint requirements/dev.txt --extra emulator --output-file requirements/emulator.txt
	$(LOCKED) pyproject.toml --group fuzz --constraint requirements/dev.txt --output-file requirements/fuzz.txt
	$(LOCKED) --group container --constraint requirements/dev.txt --output-file requirements/container.txt
	$(LOCKED) --group clients --output-file requirements/clients.txt
	$(LOCKED) --group build --constraint requirements/dev.txt --output-file requirements/build.txt
	$(LOCKED) --group site --output-file requirements/site.txt
	$(LOCKED) --group browser --constraint requirements/dev.txt --output-file requirements/browser.txt

lock-test:  ## Let the oldest supported pip, which Debian 12 has, resolve every lock without --no-deps; PYTHON has to be 3.11
	@rm -rf .venv-pip
	@$(PYTHON) -m venv .venv-pip
	@.venv-pip/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --require-hashes -r requirements/oldest-pip.txt
	@for lock in $(LOCKS); do echo "resolving $$lock"; .venv-pip/bin/python -m pip --disable-pip-version-check --quiet --quiet \
		install --dry-run --require-hashes --only-binary :all: -r $$lock || exit; done

clean:  ## Remove the environments and everything a tool left
	rm -rf .venv* .coverage* .hypothesis .mypy_cache .ruff_cache build dist
