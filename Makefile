# The commands of this repository. `make help` lists them.

PYTHON ?= python3
VENV   := .venv
LEAN   := .venv-lean
TRAIN  := .venv-train
SYNTH  := .venv-synth
BIN    := $(VENV)/bin
# The demo takes the environment of development where that is there, else a smaller one that is made faster.
DEMO   := $(if $(wildcard $(VENV)/.stamp),$(VENV),.venv-demo)
# So many tests run at a time; many of them wait for cameras, brokers and browsers. NumPy computes on
# one thread in each: threads of two tests that wait for one another on two cores made small matrices four times slower.
WORKERS ?= 2
VIDEO  ?=
TRAYS  ?=
CHECKPOINT ?=
FAST   ?=
PACK   ?= models/canteen

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-train test-synth soak lint format lean bench bench-store clean screenshots

help: ## list these commands
	@grep -E '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | awk -F ':.*## ' '{printf "make %-10s %s\n", $$1, $$2}'

setup: $(VENV)/.stamp ## make .venv with the agent and everything its development needs

test: ## set everything up, then lint, the lean environment and all tests
	@start=$$(date +%s) \
	&& $(MAKE) --no-print-directory setup && ready=$$(date +%s) \
	&& $(MAKE) --no-print-directory -j2 -Otarget lint lean && checked=$$(date +%s) \
	&& OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -n $(WORKERS) --dist worksteal -m 'not alone' \
	&& $(BIN)/pytest -m alone tests/integration && end=$$(date +%s) \
	&& echo "make test: passed in $$((end - start)) s" \
	        "(set-up $$((ready - start)) s, lint and lean $$((checked - ready)) s, tests $$((end - checked)) s)"

test-train: $(TRAIN)/.stamp ## train on a handful of made-up photographs, export, load, detect (installs 1 GB and more)
	$(TRAIN)/bin/pytest tests/training

soak: $(VENV)/.stamp ## kill the agent a hundred times under load, count what is lost; call its API thousands of times (minutes)
	EDGE_AGENT_KILLS=50 $(BIN)/pytest -s tests/integration/test_kill_and_restart.py
	EDGE_AGENT_EXAMPLES=20 $(BIN)/pytest tests/integration/test_live_api.py

test-synth: $(SYNTH)/.stamp ## render a few tiny scenes (needs Python 3.11 as PYTHON, installs 400 MB)
	$(SYNTH)/bin/pytest tests/synth

lint: $(VENV)/.stamp ## ruff, mypy strict and the import rule
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.stamp ## let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lean: $(LEAN)/.stamp ## prove that the installed agent works without the train and dev extras
	$(LEAN)/bin/pip install -q --no-deps --force-reinstall .
	$(LEAN)/bin/python -P tests/lean/smoke.py

demo: $(DEMO)/.stamp ## play a recording through the running agent: make demo [VIDEO=path/to/video.mp4] [FAST=1]
	$(DEMO)/bin/edge-agent demo $(if $(VIDEO),"$(VIDEO)") --report report $(if $(FAST),--fast --json)

# Ultralytics is measured beside it where `make .venv-train/.stamp` has installed that.
bench: $(VENV)/.stamp ## measure detector and running agent: make bench TRAYS=path/to/trays VIDEO=path/to/video.mp4 [ONLY="FROM:TO .."] [PACK=..] [CHECKPOINT=..]
	$(if $(wildcard $(TRAIN)/.stamp),$(TRAIN)/bin,$(BIN))/edge-agent bench --pack $(PACK) $(if $(TRAYS),--trays "$(TRAYS)" $(foreach block,$(ONLY),--only $(block))) $(if $(CHECKPOINT),--checkpoint "$(CHECKPOINT)")
ifeq ($(TRAYS),)
	@echo "Measured on grey noise, and without scores: name photographed trays, make bench TRAYS=path/to/trays"
endif
ifeq ($(VIDEO),)
	@echo "The running agent is not measured: name a recording that has its orders beside it, make bench VIDEO=path/to/video.mp4"
else
	$(BIN)/edge-agent bench --live "$(VIDEO)" --pack $(PACK)
endif

CHECKS ?= 1000000

bench-store: $(VENV)/.stamp ## measure how fast a full store answers: make bench-store CHECKS=1000000
	$(BIN)/edge-agent bench --store $(CHECKS) --pack $(PACK)

screenshots: $(VENV)/.stamp ## make the pictures of docs/screens anew (needs Chromium, minutes): each page, three sizes
	$(BIN)/python -m tests.browser.screenshots docs/screens

clean: ## remove environments, caches and reports (not runs/, which may hold a training)
	rm -rf $(VENV) .venv-demo $(LEAN) $(TRAIN) $(SYNTH) build dist report .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find edge_agent tests -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment is made anew when the requirements or the tested set change.
$(VENV)/.stamp: pyproject.toml constraints.txt
	$(call make_venv,$(VENV))
	$(VENV)/bin/pip install -q -c constraints.txt -e '.[cpu,dev]'
	@touch $@

.venv-demo/.stamp: pyproject.toml constraints.txt
	$(call make_venv,.venv-demo)
	.venv-demo/bin/pip install -q -c constraints.txt -e '.[cpu,broker]'
	@touch $@

$(LEAN)/.stamp: pyproject.toml constraints.txt
	$(call make_venv,$(LEAN))
	$(LEAN)/bin/pip install -q -c constraints.txt '.[cpu]'
	@touch $@

$(TRAIN)/.stamp: pyproject.toml constraints.txt
	$(call make_venv,$(TRAIN))
	$(TRAIN)/bin/pip install -q -c constraints.txt -e '.[cpu,dev,train]'
	@touch $@

# Not held to constraints.txt: Blender's package asks for an older numpy than the tested set.
$(SYNTH)/.stamp: pyproject.toml
	$(call make_venv,$(SYNTH))
	$(SYNTH)/bin/pip install -q -e '.[synth]' 'hypothesis>=6.120' 'pytest>=9' 'pytest-randomly>=3.16' 'pytest-timeout>=2.3'
	@touch $@

define make_venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	|| { echo "$(PYTHON) is older than 3.10: say which one to use, as in 'make setup PYTHON=python3.11'"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	|| { echo "$(PYTHON) cannot make virtual environments: on Debian and Ubuntu 'apt install python3-venv'"; exit 1; }
	$(PYTHON) -m venv --clear $(1)
	$(1)/bin/pip install -q -c constraints.txt --upgrade pip
endef
