# Every target installs what it needs: Python 3.11 to 3.13 and make are enough. `make help` lists the targets.
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/sh
BIN := .venv/bin
LOCALS := turnus turnus-contracts turnus-runtime

ifndef PYTHON
PYTHON = $(shell tools/find-python)
endif
BOOTSTRAP = @python='$(PYTHON)'; test -n "$$python" && "$$python" tools/bootstrap.py
INSTALL = $(BOOTSTRAP) all
PYTEST = $(BIN)/python -m pytest
# More test processes than cores: many tests wait for servers and groups. Each has servers of its own.
SIDE_BY_SIDE = -n $(or $(WORKERS),3) --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: screenshots demo-tour lighthouse help install up down test slots simulate mutants model test-browser test-kafka chaos chaos-brief check bench bench-slots schemas lock format clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

up: ## start everything on this machine, with a demo workspace; returns when it is ready
	$(INSTALL) embedded
	@$(BIN)/turnus up --detach

down: ## stop what `make up` started
	@if [ -x $(BIN)/turnus ]; then $(BIN)/turnus down; fi

install: ## everything that the targets below need
	$(INSTALL) embedded test

test: install ## unit, contract, simulation and integration tests on the embedded servers
	$(PYTEST) $(SIDE_BY_SIDE) tests --ignore tests/browser --ignore tests/deploy --ignore tests/load --ignore tests/chaos

slots: install ## the slot engine and the naive reference on drawn cases around clock changes; CASES=n SEED=k
	SLOT_CASES=$(or $(CASES),20000) SLOT_SEED=$(or $(SEED),1) $(PYTEST) tests/unit/availability/test_reference.py

simulate: install ## histories of the whole protocol with crashes and lost messages; SEEDS=n FROM=k
	$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),200) --from $(or $(FROM),0)

mutants: install ## switch off each protection in turn: somebody must notice; SEEDS=n at most, FROM=k ONLY=name BY=simulation WRITE=1
	$(BIN)/python -m tests.simulation.mutants --from $(or $(FROM),0) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(ONLY),--only $(ONLY)) $(if $(BY),--by $(BY)) $(if $(WRITE),--write)

model: install ## every state of the core protocol, small worlds and large ones: minutes and 2 GB; SMALL=1 seconds; TRACES=1
	$(BIN)/python -m tests.model $(if $(SMALL),,--large) $(if $(TRACES),--traces)

test-browser: install ## the pages, in Chromium
	@tools/need chromium=chromium
	$(PYTEST) tests/browser

screenshots: install ## pictures of every page, in both languages, three widths, light and dark, in build/screenshots
	@tools/need chromium=chromium
	$(BIN)/python -m tests.browser.screenshots $(ARGS)

demo-tour: install ## walk through the whole product in both languages: pictures in build/tour, pages in docs/tour; ARGS=--keep
	@tools/need chromium=chromium
	$(BIN)/python -m tests.browser.tour $(ARGS)

lighthouse: install ## what Lighthouse gives the guests' pages on a slow phone; ARGS="--runs 1 --locale en"
	@tools/need chromium=chromium
	$(BIN)/python -m tests.browser.lighthouse $(ARGS)

test-kafka: install ## the integration tests on Apache Kafka instead of the embedded broker
	@tools/need java=openjdk-17-jre-headless mvn=maven
	TURNUS_TEST_KAFKA=apache $(PYTEST) $(SIDE_BY_SIDE) tests/integration

chaos: install ## guests book while every process, server and line fails; MINUTES=n SEED=k RATE=guests a second
	@tools/need java=openjdk-17-jre-headless mvn=maven go=golang-go
	$(BIN)/python -m tests.chaos --minutes $(or $(MINUTES),10) --seed $(or $(SEED),0) --rate $(or $(RATE),12)

chaos-brief: install ## the same for a minute, with a fixed seed, without faults of lines
	@tools/need java=openjdk-17-jre-headless mvn=maven
	$(PYTEST) tests/chaos

check: install ## style, types, layers, generated files, deployment files and what they say
	@tools/need caddy=caddy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/turnus schemas --check
	$(BIN)/docker-compose --file docker-compose.yml config --quiet
	tools/dclint
	caddy validate --adapter caddyfile --config deploy/gateway/Caddyfile 2>&1 | tail -n 1 | grep 'Valid configuration'
	$(PYTEST) --quiet tests/deploy

bench: install ## bookings a second, latency, cost of a booking, and the raw limits of this machine; ARGS="--only race"
	$(BIN)/python -m tests.load $(ARGS)

bench-slots: install ## what a list of free times costs, how long guests wait for it, and its memory; ARGS="--hosts 1 50 --seconds 4"
	$(BIN)/python -m tests.load.slots $(ARGS)

schemas: install ## write golden JSON Schemas, AsyncAPI, OpenAPI, docs/saga.md and the event matrix again
	$(BIN)/turnus schemas

format: install ## let ruff mend what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: ## write requirements.lock again from the pyproject.toml files; UPGRADE=1 for newer versions
	$(BOOTSTRAP)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes \
		--no-header --no-annotate --no-emit-index-url $(LOCALS:%=--no-emit-package %) $(if $(UPGRADE),--upgrade) \
		--output-file requirements.lock pyproject.toml libs/contracts/pyproject.toml libs/runtime/pyproject.toml

clean: down ## stop, then remove ./data and everything else that can be made again, .venv excepted
	rm -rf data build .pytest_cache .ruff_cache .hypothesis .import_linter_cache .grimp_cache .schemathesis
	rm -rf deploy/lint/node_modules tests/contracts/specs/node_modules tests/browser/lighthouse/node_modules
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
