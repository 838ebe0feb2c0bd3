# `make help` lists what there is. Every target installs what it needs first.
PYTHON := .venv/bin/python
export DEMO_EPOCHS ?= 3
export DEMO_SLOT_S ?=
export DEMO_OPERATORS ?= 4
export DEMO_VALIDATORS ?=
export DEMO_FORK_EPOCH ?=
export DEMO_PLAIN ?=
export DEMO_KILL ?=
export DEMO_DOWN ?=
export DEMO_CRASH ?=
export DEMO_STORE ?=
export DEMO_KILL_SIGNER ?=
export DEMO_BEACONS ?=
export DEMO_MIN_INCLUDED ?= 95
KILLS ?= 200
STORES ?= sqlite postgres

.PHONY: help setup demo test e2e e2e-api lint format spec bench signer-kill signer-race mutants fuzz \
  interop interop-quick attack attack-quick soak images images-base images-check proto lock clean

help: ## List the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' Makefile
	@printf '\nVariables of make demo: DEMO_EPOCHS (3), DEMO_SLOT_S (6; 12 for more than four operators),\nDEMO_OPERATORS=4|7|10|13, DEMO_VALIDATORS (16; fewer for more operators), DEMO_FORK_EPOCH=<epoch> (Boole from there on;\n0: always), DEMO_PLAIN=1 (no live table),\nDEMO_KILL=<operator>[,<operator>] (dead from the second counted epoch on), DEMO_DOWN=<operators> (never started),\nDEMO_CRASH=1|2 (each service killed with -9, one an epoch),\nDEMO_STORE=sqlite|postgres (postgres: two signers for operators 1 and 2), DEMO_KILL_SIGNER=1|2 (its signers killed\nwith -9 in turn), DEMO_BEACONS=2 (two beacon nodes and two EVM endpoints, each away for a while), DEMO_MIN_INCLUDED (95, percent)\n'

setup: ## Install everything that the other targets need
	@scripts/setup.sh

demo: setup ## Four operators do every duty on a real beacon chain (about 4 minutes)
	@$(PYTHON) -m ssv_devnet.demo

test: setup ## Unit, property and simulation tests, with real servers where a part needs one
	@$(PYTHON) -m pytest -q -n 2 --dist loadfile -m 'not system' libs services cli operator devnet tests/docs tests/spec tests/interchange tests/mutants tests/fuzz tests/images

e2e: setup ## Whole systems: real beacon node, real EVM, processes that are killed (several minutes)
	@$(PYTHON) -m pytest -q tests/e2e tests/chaos
	@$(PYTHON) -m pytest -q -m system services

e2e-api: setup ## Operator, chart and SSVNode against a real Kubernetes API, built once from Go modules (needs Go, or KUBEBUILDER_ASSETS)
	@scripts/kube_api.sh

lint: setup ## ruff, mypy --strict, import-linter
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy libs services/*/src cli operator/src devnet tests bench scripts conftest.py
	@for tests in services/*/tests operator/kube_tests; do .venv/bin/mypy $$tests || exit 1; done
	@.venv/bin/lint-imports --no-logo

format: setup ## Format the code
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

spec: setup ## The official SSV test vectors, passed and failed per type; the slashing interchange vectors (EIP-3076)
	@$(PYTHON) tests/spec/run.py
	@$(PYTHON) tests/interchange/run.py

bench: setup ## Benchmarks: tables here, JSON under build/bench
	@for file in bench/*.py; do $(PYTHON) $$file || exit 1; done

signer-kill: setup ## kill -9 a signer under load, KILLS times, on each database; then a build that records after signing
	@for store in $(STORES); do \
	  $(PYTHON) -m tests.chaos.signer_kill --store $$store --kills $(KILLS) && \
	  $(PYTHON) -m tests.chaos.signer_kill --store $$store --kills 100 --sabotage || exit 1; done

signer-race: setup ## Two signers on each database, 10,000 conflicting requests: one wins each
	@for store in $(STORES); do $(PYTHON) -m tests.chaos.signer_race --store $$store || exit 1; done

mutants: setup ## Mutation check of signing rules and justification: made, killed, survivors (about 2 minutes)
	@$(PYTHON) -m tests.mutants

fuzz: setup ## Near-good bytes against each network decoder: SSV_FUZZ_INPUTS (100000) or SSV_FUZZ_SECONDS (120) each
	@$(PYTHON) -m tests.fuzz

build/go-peer: $(wildcard tests/interop/go-peer/*.go) tests/interop/go-peer/go.mod tests/interop/go-peer/go.sum
	@if command -v go > /dev/null; then cd tests/interop/go-peer && go build -buildvcs=false -trimpath -o ../../../$@ .; \
	else echo "there is no Go here: the tests with Go peers are skipped"; fi

interop: setup build/go-peer ## Our libp2p, gossip and discovery against Go and JavaScript (about 15 minutes)
	@SSV_INTEROP_SECONDS=$${SSV_INTEROP_SECONDS:-600} $(PYTHON) -m pytest -q -s --timeout 1800 tests/interop

interop-quick: setup build/go-peer ## A short part of it (about 2 minutes)
	@$(PYTHON) -m pytest -q -s -m 'not full' tests/interop

attack: setup ## A hostile peer tries everything on one of four gateways whose committees go on deciding (about 4 minutes)
	@$(PYTHON) -m pytest -q -s tests/attack

attack-quick: setup ## A short part of it (about 90 seconds)
	@$(PYTHON) -m pytest -q -s -m 'not full' tests/attack

soak: setup ## A gateway while eight peers come and go for SOAK_MINUTES (20): its memory, and whether the rest still hear it
	@$(PYTHON) bench/gossip_soak.py --minutes $${SOAK_MINUTES:-20}

images: setup ## Build the image of each service, the operator and the cli; their sizes (docker, podman or buildah)
	@$(PYTHON) -m scripts.images.build

images-base: ## Stand in for the base image with debootstrap, where no registry can be reached (as root)
	@scripts/images/stand_in.sh

images-check: setup ## Run each image as Kubernetes would: uid, read-only root, no shell, health
	@$(PYTHON) -m tests.images

proto: ## Generate libs/api from proto/
	@scripts/proto.sh

lock: ## Make requirements.lock anew from the packages' pyproject.toml
	@$(PYTHON) scripts/lock.py

clean: ## Remove everything that was built or installed
	rm -rf build .venv devnet/*/node_modules
	find . -name __pycache__ -prune -exec rm -rf {} +
