PYTHON ?= $(shell for python in python3.13 python3 python3.12 python3.11; do \
  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
PORT   ?= 3000
OSV    ?= https://api.osv.dev/v1/query
HERE   ?= $(shell dirname "$(strip $(MAKEFILE_LIST))")
SAM    := PATH="$(CURDIR)/.venv/bin:$$PATH" SAM_CLI_TELEMETRY=0 .venv-sam/bin/sam
PARALLEL := --numprocesses auto --maxprocesses 8 --dist loadfile
QUICK_TESTS := tests/protocol tests/http tests/test_request.py tests/test_worker.py tests/test_flow.py
LAMBDA_PROCESSOR ?= aarch64
MACHINE := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)

# This file also makes the bundles for sam build: src/Makefile says which.

.DEFAULT_GOAL := help
.PHONY: help format run sam-local quick test evidence screenshots e2e newcomer contract fuzz chaos mutants verify check covered deployed lint scan audit bench build deploy redrive lock dist clean

help:                      ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/run             ## the whole deployment on this machine, until Ctrl-C
	@PYTHONPATH=src .venv/bin/python -P -m backburner.development run --port $(PORT) $(if $(JSON_LOGS),--json-logs)

sam-local: .venv/ready .venv-sam/ready  ## make run, and the API in Docker by sam local
	@.venv/bin/python -m backburner.development.local.sam_local --port $(PORT)

quick: .venv/ready         ## the tests of the fast core: no deployment, no browser
	.venv/bin/pytest $(PARALLEL) -m 'not evidence and not enable_socket' $(QUICK_TESTS)

test: .venv/ready          ## all the tests but evidence, e2e and newcomer
	.venv/bin/pytest $(PARALLEL) $(WITH)

evidence: .venv/ready .venv-ministack/ready  ## the tests that take long: every schedule, kills, floods, browsers
	.venv/bin/pytest $(PARALLEL) -m evidence

screenshots: .venv/ready   ## the console's pictures in docs/images, with Chromium
	.venv/bin/pytest tests/browser/pictures.py

e2e: .venv/ready .venv-sam/ready .venv-ministack/ready .venv-generators/ready  ## sam deploy, update and delete, on ministack; with Python 3.13; sam local, in Docker; generated clients, with npm
	.venv/bin/pytest tests/e2e -m e2e --ignore tests/e2e/test_newcomer.py --ignore tests/e2e/test_tutorial.py

newcomer: dist .venv/ready .venv-sam/ready .venv-ministack/ready  ## the first hour, in an empty home: a clone, a project, its faults, a deployed API, an upgrade
	.venv/bin/pytest tests/e2e/test_newcomer.py tests/e2e/test_tutorial.py -m e2e

contract: .venv/ready   ## the API's contract against any address: BACKBURNER_URL=https://… make contract
	.venv/bin/pytest src/backburner/development/suites/test_contract.py tests/contract

fuzz: .venv/ready          ## 10,000 requests made up from the OpenAPI document, and 10,000 hostile ones over sockets; FUZZ_SEED=n for others
	FUZZ_EXAMPLES=1000 FUZZ_REQUESTS=10000 .venv/bin/pytest -m evidence tests/http/test_fuzz.py tests/served/test_hostile.py --show-capture=no

chaos: .venv/ready         ## kills 220 workers in some minutes and says whether anything was lost
	.venv/bin/python -m tests.evidence.chaos

mutants: .venv/ready        ## mistakes in vital lines, one at a time: the tests must notice each
	.venv/bin/python -m tests.evidence.mutants

verify: .venv/ready        ## the protocol under every schedule, and mistakes that must be found: some minutes
	.venv/bin/python -m tests.evidence.explorer

bench: .venv/ready .venv-sam/ready $(if $(QUICK),,.venv-bench/ready)  ## what is built, beside bare handlers and peers; QUICK=1 only counts; PARTS="hits jobs" measures only these; on Linux
	@mkdir -p build
	@PYTHONPATH="$(CURDIR)/src" $(SAM) build --build-dir build/bench --parameter-overrides Architecture=$(MACHINE) >build/bench.log 2>&1 || { cat build/bench.log; exit 1; }
	@PYTHONPATH=src .venv/bin/python -m benchmarks $(if $(QUICK),quick,$(PARTS))

check: lint scan build .venv-ministack/ready   ## what CI runs; with Python 3.13
	$(MAKE) bench QUICK=1
	$(MAKE) --jobs 2 --output-sync covered deployed

covered:
	$(MAKE) test WITH="-m 'not e2e' --cov"

deployed:  # one after the other: each starts a ministack
	$(MAKE) e2e
	$(MAKE) newcomer

format: .venv/ready        ## what ruff can mend, and its format
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

lint: .venv/ready          ## ruff, mypy, cfn-lint
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/cfn-lint template.yaml

scan: .venv-checkov/ready  ## template.yaml for what is insecure; offline
	.venv-checkov/bin/checkov --file template.yaml --framework cloudformation --skip-download --compact --quiet

audit: .venv-audit/ready   ## what is locked, for known vulnerabilities; asks https://api.osv.dev
	@curl --silent --max-time 10 --output /dev/null $(OSV) || { echo "make audit asks $(OSV), which does not answer here"; exit 1; }
	@for set in dev sam ministack checkov audit bench generators; do echo "$$set:"; .venv-audit/bin/pip-audit --vulnerability-service osv --osv-url $(OSV) \
	  --strict --progress-spinner off --disable-pip --requirement requirements/$$set.txt || failed=1; done; exit $${failed:-0}

build: .venv/ready .venv-sam/ready  ## sam validate and sam build; with Python 3.13
	$(SAM) validate --lint
	$(SAM) build

deploy: build              ## sam deploy: make deploy CONFIG=staging
	$(SAM) deploy --config-env $(or $(CONFIG),default)

redrive: .venv/ready       ## drive failed jobs again: make redrive STACK=backburner; with DRY_RUN=1 it only tells
	@.venv/bin/backburner redrive $(or $(STACK),backburner) $(if $(DRY_RUN),--dry-run)

lock: .venv/ready          ## the locked requirements, after a change of requirements/*.in
	.venv/bin/python -m pip install --quiet uv
	cd requirements && for set in dev:3.11 run:3.11 dist:3.11 sam:3.13 ministack:3.11 checkov:3.13 audit:3.13 bench:3.13 generators:3.13; do ../.venv/bin/uv pip compile --quiet --universal \
	  --upgrade --python-version $${set#*:} --generate-hashes --no-header $${set%:*}.in -o $${set%:*}.txt \
	  $$(case $$set in dev:*) echo --excludes unused.txt;; run:*) echo --excludes unused.txt -c dev.txt;; esac) || exit; done

dist: .venv-dist/ready     ## the wheel and the sdist, into dist/
	.venv-dist/bin/hatchling build --clean

build-RequestFunction build-WorkerFunction build-AsyncWorkerFunction build-DeadLetterFunction build-ComputationsLayer:
	@"$(HERE)/.venv/bin/python" -P -m backburner.development.bundle $(@:build-%=%) $(LAMBDA_PROCESSOR) "$(ARTIFACTS_DIR)" "$(HERE)" requirements/dev.txt

clean:                     ## remove what the other targets have installed and built
	rm -rf .venv .venv-* .aws-sam dist

.venv/run: requirements/run.txt
	@$(install)
	@touch $@

.venv/ready: requirements/dev.txt
	@$(install)
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch .venv/run $@

.venv-%/ready: requirements/%.txt
	@$(install)
	@touch $@

install = $(or $(PYTHON),$(error no Python 3.11 or later is on the path; install one)) requirements/install.py $(@D) $<
