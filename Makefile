# One short name for everything that people and CI do here: make help.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# Another one: make PYTHON=python3.12 env.
PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
STACK := $(BIN)/python -m infra.local
# uv where this machine has it, else our own copy of the pinned version.
UV := $(or $(shell command -v uv),.local/uv/bin/uv)

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-19s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# --- The stack on this machine, without Docker and without root -------------------------------------------------

.PHONY: demo up upgrade status logs doctor backup restore restore-to backup-verify rotate compose-preflight down clean
demo: export DEMO_STARTED_AT := $(shell date +%s)
demo: env ## Start everything, ingest and train through Airflow, and make a prediction
	@$(STACK) demo

up: env ## Start everything and wait until it does its work
	@$(STACK) up

upgrade: env ## After git pull: back up, migrate, start and verify; else return to the backup
	@$(STACK) upgrade

status: $(BIN)/python ## Show every program, its state and its address
	@$(STACK) status

logs: $(BIN)/python ## Follow the log of one program: make logs NAME=api
	@$(STACK) logs -f $(or $(NAME),$(error Say which program: make logs NAME=api))

doctor: $(BIN)/python ## Check every part and show what fails, with the end of its log
	@$(STACK) doctor

backup: $(BIN)/python ## Back up databases, artifacts, secrets and logins while they run: make backup TO=folder
	@$(STACK) backup $(if $(TO),--to "$(TO)")

restore: $(BIN)/python ## Replace the present state by that of a backup: make restore FROM=folder
	@$(STACK) restore --from "$(or $(FROM),$(error Say which backup: make restore FROM=folder))" $(if $(REPLACE),--replace)

restore-to: $(BIN)/python ## Return to a time between two backups (WAL_ARCHIVE_DIR): make restore-to TIME=2026-11-29T12:00:00Z
	@$(STACK) restore-to "$(or $(TIME),$(error Say which time: make restore-to TIME=2026-11-29T12:00:00Z))"

backup-verify: $(BIN)/python ## Restore the newest backup into a throwaway place and check it: make backup-verify FROM=folder
	@$(STACK) backup-verify $(if $(FROM),--from "$(FROM)")

rotate: $(BIN)/python ## Replace a secret, and restart the programs that use it: make rotate NAME=api_db_password
	@$(STACK) rotate $(or $(NAME),$(error Say which secret: make rotate NAME=api_db_password))

compose-preflight: ## Check Docker, memory, disk, ports, files and volumes before docker compose up
	@$(PYTHON) infra/compose/preflight.py

down: $(BIN)/python ## Stop everything that was started here, and nothing else
	@$(STACK) down

clean: $(BIN)/python ## Remove databases, logs and secrets of this stack (asks first; YES=1 does not)
	@$(STACK) clean $(if $(YES),--yes)

# --- The environment --------------------------------------------------------------------------------------------

.PHONY: env
env: .venv/.synced ## Create the Python environment from the lock

.venv/.synced: uv.lock pyproject.toml | $(UV)
	@test $$(uname -s) = Linux \
		|| { echo "Linux is needed, for which alone some packages exist: use Docker Compose elsewhere."; exit 1; }
	$(if $(filter file,$(origin PYTHON)),,UV_PYTHON=$(PYTHON)) UV=$(UV) sh infra/install.sh
	@touch $@

$(BIN)/python:
	@echo "There is no environment yet: make env creates it."; exit 1

.local/uv/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
		|| { echo "Python 3.11 to 3.13 is needed: name it with make PYTHON=python3.11 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2> /dev/null \
		|| { echo "Python's venv module is missing: apt install python3-venv, or install uv."; exit 1; }
	$(PYTHON) -m venv .local/uv
	.local/uv/bin/pip install --quiet --disable-pip-version-check \
		$(if $(UV_DEFAULT_INDEX),--index-url $(UV_DEFAULT_INDEX)) uv==$(UV_VERSION)

# --- Tests ------------------------------------------------------------------------------------------------------

.PHONY: quick test test-all pre-commit lint types unit integration integration-long e2e e2e-native test-ui images dags-test \
	test-faults test-security test-clients test-observability test-operations compose-test compose-smoke test-repeatedly audit sbom \
	scale-test evaluate bench bench-scale bench-serving

# Processes that run tests in parallel; tests of one file stay in one process.
JOBS ?= 2
PARALLEL := -n $(JOBS) --dist loadfile --no-loadscope-reorder

quick: env ## Style, types and unit tests
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory -j2 types unit

test: quick integration e2e ## quick, tests on real servers, and one run of the whole stack (no Docker, no root)

test-all: env ## Every suite, with faults, observability and Docker Compose; writes docs/testing.md
	$(BIN)/python tests/support/suites.py --all

# Half of the runs beside two busy processes. Runs of several invocations add up; failures are reported with causes.
test-repeatedly: env ## make test, RUNS more times: make test-repeatedly RUNS=20 SINCE=COMMIT COMMAND="make unit"
	$(BIN)/python -m tests.support.repeat $(or $(RUNS),20) $(if $(SINCE),--since $(SINCE)) \
		$(if $(COMMAND),--command "$(COMMAND)")

pre-commit: env ## What the commit hooks check, on every file
	SKIP=mypy,mypy-dags $(BIN)/pre-commit run --all-files

AUDIT := $(UV) tool run --from pip-audit==2.9.0 pip-audit --disable-pip --no-deps
audit: | $(UV) ## Known vulnerabilities of the locked packages, and faults of the workflow
	@mkdir -p build
	$(UV) export --quiet --frozen --all-groups --no-hashes --output-file build/requirements.txt
	$(AUDIT) --requirement build/requirements.txt
	$(UV) tool run zizmor==1.32.0 --offline .github

# Debian's packages are not in it.
sbom: | $(UV) ## Bill of materials (CycloneDX) of the Python packages of each image: build/sbom
	@mkdir -p build/sbom
	@for file in *.dockerfile infra/Dockerfile; do \
		image=$${file%.dockerfile}; image=$${image%/Dockerfile}; \
		$(UV) export --quiet --frozen --no-default-groups $$(grep -ohE -e '--group [a-z]+' $$file) \
			--format cyclonedx1.5 --output-file build/sbom/$$image.cdx.json > /dev/null; \
	done
	@ls build/sbom/*

lint: env ## Style and likely bugs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: env ## mypy --strict
	$(BIN)/mypy
	MYPYPATH=.:dags $(BIN)/mypy dags/*.py dags/plugins/*.py

unit: env ## Fast tests, without any server
	$(BIN)/pytest $(PARALLEL) tests/unit

# Tests that compare times run by themselves; only their files are imported for it.
integration: env ## Tests on a real PostgreSQL, a real MLflow, real HTTP
	$(BIN)/pytest $(PARALLEL) tests/integration -m "not alone and not long"
	$(BIN)/pytest -m alone $$(grep -rl --include='test_*.py' 'mark\.alone' tests/integration)

integration-long: env ## Those of minutes: DAG runs, backups, upgrades, full disks, a Dask cluster, the genuine data
	$(BIN)/pytest $(PARALLEL) tests/integration -m "long and not alone"

e2e: env ## One run of the whole stack, with every page in a real browser where there is one
	$(BIN)/pytest tests/e2e -m "not docker"

e2e-native: env ## The same without the browser tests of the interface
	$(BIN)/pytest tests/e2e/test_native_stack.py

test-ui: env ## Only the interface: its logic, its pages, and all of it in a real browser on the native stack
	$(BIN)/pytest $(PARALLEL) tests/unit/ui tests/integration/ui
	$(BIN)/pytest tests/e2e/interface

images: $(BIN)/python ## The README's pictures, from the screenshots of the last end-to-end run
	$(BIN)/python -m tests.support.images

dags-test: env ## Runs of all DAGs in a real Airflow
	$(BIN)/pytest tests/integration/dags

# make test-faults FAULT_SECONDS=300 SOAK_SECONDS=600 FAULT_SEQUENCES=200: longer outages, a longer soak, more of the
# random sequences; FAULT_SEED: others.
test-faults: env ## Stop, kill, corrupt and flood real processes under load, and count failed and wrong answers
	$(BIN)/pytest tests/faults

test-security: env ## Attacks on a running service and its registry: each was first shown to succeed without its defence
	$(BIN)/pytest tests/security

test-clients: env ## Call a service with the programs of docs/clients, each in an environment from the package registries
	$(BIN)/pytest tests/clients

test-observability: env ## Evaluate every expression of dashboards and rules on a live stack; drill the alerts with real faults
	$(BIN)/pytest tests/observability

test-operations: env ## Back up, lose, restore, verify and rotate the native stack, with every refusal and sudden end
	$(BIN)/pytest tests/operations

compose-test: env ## Build the images, start docker-compose.yml, train, break, heal and remove it
	$(BIN)/pytest tests/e2e -m docker --ignore-glob "*/test_4_[rw]*.py"

compose-smoke: env ## Build the images, start docker-compose.yml, check every service, and take it down
	$(BIN)/pytest tests/e2e/compose/test_1_start.py

scale-test: env ## Replicas behind HAProxy, workers of Airflow and Locust in Docker Compose, under load, replaced and killed
	$(BIN)/pytest tests/e2e/compose/test_2_models.py tests/e2e/compose/test_4_replicas.py \
		tests/e2e/compose/test_4_workers.py

# The UCI file where DATA_FILE names one, else the database of the running stack.
SEEDS ?= 0-19
evaluate: env ## Evaluate every model family and baseline on repeated splits: make evaluate SEEDS=0-19
	$(BIN)/python -m ml evaluate --protocol --seeds $(SEEDS) $(if $(DATA_FILE),--data "$(DATA_FILE)")

bench: env ## Benchmarks of ingestion and explanations
	$(BIN)/python -m bench.ingestion
	$(BIN)/python -m bench.explanations

bench-scale: env ## Time and memory by rows with a plot, replicas beside a simulation, and what larger sizes would need (hours)
	$(BIN)/python -m bench.scale.rows
	$(BIN)/python -m bench.scale.plot
	$(BIN)/python -m bench.scale.replicas $(if $(DATA_FILE),"$(DATA_FILE)")
	$(BIN)/python -m bench.scale.table

QUICK ?=
bench-check: env ## Compare the speed of the service with that of a commit, in one run: make bench-check SINCE=COMMIT
	$(BIN)/python -m bench.serving.check $(or $(SINCE),$(error Say which commit: make bench-check SINCE=COMMIT)) $(if $(DATA_FILE),"$(DATA_FILE)")

bench-serving: env ## Serving benchmark: this service, a constant endpoint, MLflow, BentoML, plain FastAPI: make bench-serving QUICK=1
	$(BIN)/python -m bench.serving $(if $(QUICK),--quick) $(if $(DATA_FILE),"$(DATA_FILE)")
