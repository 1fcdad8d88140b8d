# Only Python 3.11+ and make are assumed: every target sets up what it needs first, and skips that in a moment later.
# Overrides: PORT, PYTHON (the interpreter to build on), SCRIPT, SEED, ROLE, ORGANIZATION, ARGS (passed on to what the
# target runs); for `deploy` and `destroy` those in docs/deploy.md.

.DEFAULT_GOAL := help
SHELL := /bin/sh
.SHELLFLAGS := -eu -c
MAKEFLAGS += --no-print-directory --no-builtin-rules

PORT ?= 8000
SCRIPT ?=
SEED ?=
ROLE ?=
ORGANIZATION ?=
ARGS ?=
STAGE ?=
NUMBER ?=
export PORT SCRIPT SEED ROLE ORGANIZATION STAGE
# What `deploy` and `destroy` are told, on the command line of make or in the environment.
export ADMIN_EMAIL PARAMETERS DRY_RUN RESEND_INVITATION RELEASE_NUMBERS CONFIRM
export SAM_CLI_TELEMETRY := 0
# A PYTHON of the environment or of the command line reaches scripts/find-python; make itself sets none.
export PYTHON

VENV := .venv/bin
SAM := .local/tools/sam/bin/python -m samcli
SOURCES := layers/core/ringfold layers/admin/ringfold_admin cli/ringfold_cli functions local scripts

.PHONY: help run call demo token reset replay bench deploy destroy verify test check format format-check lint types template \
	build secrets acceptance cli-reference requirements setup-local setup-dev setup-sam

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

run: setup-local ## Run the whole system on this machine; console and phone at http://127.0.0.1:8000 (PORT)
	@exec $(VENV)/python -m local $(ARGS)

call: setup-local ## Call the running system from this shell, or play a scripted call (SCRIPT=...)
	@exec $(VENV)/python -m local.call $(SCRIPT) $(ARGS)

demo: setup-local ## Play the SkyOwl story, texts and then a call, and check it; needs no running system
	@exec $(VENV)/python -m local.story $(ARGS)

token: setup-local ## Print an administrator's token (ROLE=organization_admin ORGANIZATION=org_skyowl)
	@exec $(VENV)/python -m local.token $(ARGS)

reset: setup-local ## Forget the local system's state
	@exec $(VENV)/python -m local.reset $(ARGS)

replay: setup-dev ## Show one run of the seeded scheduler (SEED=...)
	@test -n "$(SEED)" || { echo "Say which run: make replay SEED=1" >&2; exit 2; }
	@exec $(VENV)/python -m tests.simulation.replay $(SEED) $(ARGS)

bench: setup-dev ## Measure turns on this machine
	@exec $(VENV)/python -m bench.turn $(ARGS)

deploy: setup-local setup-sam ## Check, build and deploy, and invite the first administrator (STAGE=dev)
	@PYTHONPATH=cli exec $(VENV)/python -m scripts.deploy

destroy: setup-local ## Remove a deployment; its numbers only with RELEASE_NUMBERS=yes (STAGE=dev)
	@PYTHONPATH=cli exec $(VENV)/python -m scripts.destroy

verify: setup-local ## Verify a number from Twilio to the first word (NUMBER=+1512...)
	@test -n "$(NUMBER)" || { echo "Say which number: make verify NUMBER=+15125550100" >&2; exit 2; }
	@exec bin/ringfold numbers verify $(NUMBER) $(ARGS)

test: setup-dev build ## Run every test (ARGS="-k frames")
	@exec $(VENV)/python -m pytest $(ARGS)

check: format-check lint types template build secrets test ## Run the whole gate, as CI does

format: setup-dev ## Format the code and mend what ruff can mend
	@$(VENV)/ruff check --quiet --fix-only .
	@$(VENV)/ruff format .

format-check: setup-dev
	@$(VENV)/ruff format --check .

lint: setup-dev ## Lint the code
	@$(VENV)/ruff check .

types: setup-dev ## Check types
	@$(VENV)/python -m mypy $(SOURCES)

template: setup-dev setup-sam ## Lint the SAM template
	@$(VENV)/python $(VENV)/cfn-lint template.yaml
	@$(SAM) validate --lint

build: setup-dev setup-sam ## Build what is deployed into .aws-sam/build, without Docker
	@scripts/build

secrets: setup-dev ## Look for secrets in the repository and the build artefact
	@$(VENV)/python scripts/secret_scan.py

acceptance: setup-dev ## Enter the tests' marks in docs/acceptance.md
	@$(VENV)/python scripts/acceptance.py

cli-reference: setup-dev ## Write the commands' help into docs/cli.md
	@PYTHONPATH=cli $(VENV)/python scripts/cli_reference.py

requirements: setup-dev ## Compile requirements/*.in again (ARGS=--upgrade)
	@for name in uv layer admin local dev ministack sam; do \
		$(VENV)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
			--no-emit-index-url $(ARGS) requirements/$$name.in --output-file requirements/$$name.txt; \
	done

setup-local:
	@scripts/setup local ministack

setup-dev:
	@scripts/setup dev ministack

setup-sam:
	@scripts/setup sam
