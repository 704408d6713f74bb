# What users and developers type. `make` alone lists it.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test quick lint check bench crash-test changes hostile conformance conformance-sweep fuzz nightly \
	lab install \
	app up local-integration-test remote-validation stress-test bench-app app-browser-test \
	app-api-test infra-plan infra-create publish rollback outputs status logs infra-destroy

# One target folder outside the checkout, so that clones share what is built.
CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/deployer
export CARGO_TARGET_DIR ?= $(CACHE)/target
export DEPLOYER_CACHE ?= $(CACHE)

# Tests mostly wait for labs, so there are more at a time than a small machine has cores.
export RUST_TEST_THREADS ?= 4

STACK ?= stacks/notes.yaml
ENVIRONMENT ?= dev
# Always the whole workspace: a part of it would switch features and build the SDK again.
DEPLOYER = cargo build --quiet --workspace && $(CARGO_TARGET_DIR)/debug/deployer
WHICH = --file $(STACK) --env $(ENVIRONMENT)

help: ## Lists what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-22s %s\n", $$1, $$2}'

demo: ## Sets up, brings the sample stack up on the local AWS, shows it and tears it down
	@scripts/setup demo
	@scripts/demo

test: ## Sets up and runs every test
	@scripts/setup test
	cargo build --workspace
	@rm -f $(CARGO_TARGET_DIR)/debug/model-check
	cargo test --workspace
	@awk '{ checked += $$1; refused += $$2 } END { print "model check: " checked " requests of " NR " labs, " refused " refused" }' \
		$(CARGO_TARGET_DIR)/debug/model-check
	tests/lab/check
	app/tests/run

quick: ## Runs the tests that need no lab
	cargo test --workspace --lib --test planner --test engine --test stack --test cli --test arrows --test imports --test operations --test words

lint: ## Formatting and lints
	cargo fmt --all --check
	@# A macro declares these, so that cargo does not find them.
	rustfmt --check --edition 2024 crates/cli/src/commands/*.rs
	cargo clippy --workspace --all-targets -- --deny warnings
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --manifest-path fuzz/Cargo.toml --all-targets -- --deny warnings
	cargo fmt --manifest-path app/Cargo.toml --check
	cargo clippy --manifest-path app/Cargo.toml --all-targets -- --deny warnings
	tests/lab/lint

check: lint ## Formatting, lints and licences
	@scripts/setup check
	$(CACHE)/tools/bin/cargo-deny check bans licenses sources
	$(CACHE)/tools/bin/cargo-deny --manifest-path app/Cargo.toml --config deny.toml check bans licenses sources

crash-test: ## Kills the release build at every call it makes and looks whether the next run puts it right
	@scripts/setup demo
	cargo build --workspace --release
	$(CARGO_TARGET_DIR)/release/crash
	CRASH_STACK=tests/stacks/public.yaml CRASH_UPDATE=tests/stacks/crash/public.yaml $(CARGO_TARGET_DIR)/release/crash
	CRASH_STACK=tests/stacks/replica.yaml CRASH_UPDATE=tests/stacks/crash/replica.yaml $(CARGO_TARGET_DIR)/release/crash
	CRASH_STACK=tests/stacks/guest.yaml CRASH_UPDATE=tests/stacks/crash/guest.yaml CRASH_HOST=tests/stacks/crash/host.yaml \
		$(CARGO_TARGET_DIR)/release/crash
	CRASH_STACK=tests/stacks/web.yaml CRASH_ROLLBACK=tests/stacks/crash/released.yaml CRASH_SERVICE=web \
		CRASH_ONLY=rollback,restart,run $(CARGO_TARGET_DIR)/release/crash

changes: ## Makes each change of a table to a stack under load, and says what the plan said and what people saw
	@scripts/setup demo
	cargo build --workspace
	$(CARGO_TARGET_DIR)/debug/changes

SEEDS ?= 1 2 3 4 5 6 7 8 9 10
hostile: ## Contracts and whole commands where AWS's calls fail as a seed draws it: [SEEDS="1 2 3"] [TESTS="--skip …"]
	@scripts/setup test
	cargo build --workspace
	for seed in $(SEEDS); do \
		echo "seed $$seed"; HOSTILE_SEED=$$seed cargo test --workspace --test contracts --test end_to_end -- $(TESTS) || exit; \
	done

REGION ?= eu-west-1
CONFORMANCE = $(CARGO_TARGET_DIR)/debug/conformance
conformance: ## Keeps every kind's contract in a real account, beside the lab: ACCOUNT=… [REGION=eu-west-1] [OPTIONS=…]
	@scripts/setup demo
	@[[ "$(ACCOUNT)" ]] || { echo "whose account? make conformance ACCOUNT=123456789012" >&2; exit 2; }
	cargo build --workspace
	$(CONFORMANCE) run --account "$(ACCOUNT)" --region "$(REGION)" $(OPTIONS)

conformance-sweep: ## Deletes what such a run has left: ACCOUNT=… [REGION=eu-west-1]
	@[[ "$(ACCOUNT)" ]] || { echo "whose account? make conformance-sweep ACCOUNT=123456789012" >&2; exit 2; }
	cargo build --workspace
	$(CONFORMANCE) sweep --account "$(ACCOUNT)" --region "$(REGION)" $(OPTIONS)

fuzz: FUZZED = $(or $(TARGET),stack)
fuzz: ## Feeds what nobody would write to a reader: [TARGET=stack|overlay|plan|parameters|tags|archive|lines] [SECONDS=60]
	@scripts/setup fuzz
	@mkdir -p $(CACHE)/fuzz-corpus/$(FUZZED)
	PATH="$(CACHE)/tools/bin:$$PATH" cargo fuzz run --sanitizer none --target-dir $(CACHE)/fuzz-target $(FUZZED) \
		$(CACHE)/fuzz-corpus/$(FUZZED) fuzz/corpus/$(FUZZED) -- -timeout=20 -max_total_time=$(or $(SECONDS),60) \
		$(addprefix -dict=,$(wildcard fuzz/$(FUZZED).dict))

nightly: ## All that takes too long for every change: the whole kill matrix, every change under load, each fuzzer for [SECONDS=3600]
	$(MAKE) check crash-test changes hostile bench
	cargo test --workspace --test policies -- --ignored
	for target in stack overlay plan parameters tags archive lines; do $(MAKE) fuzz TARGET=$$target SECONDS=$(or $(SECONDS),3600) || exit; done

bench: ## Calls, start-up, memory and size of the release build, against their budgets
	@scripts/setup demo
	cargo build --workspace --release
	$(CARGO_TARGET_DIR)/release/bench

lab: ## Starts the local AWS and prints its address
	@tests/lab/start $(LAB)

install: ## Installs the release build
	cargo install --path crates/deployer --locked

app: ## Runs the sample app here, with nothing configured
	app/run

up: ## Runs the sample app with PostgreSQL and Valkey, in containers
	docker compose --file app/compose.yaml up --build

local-integration-test: ## Tests the sample app on real servers
	app/tests/run

remote-validation: ## Checks every route of a deployed app: URL=http://… [GRPC_URL=…] [CA=file]
	app/tests/remote "$(URL)" "$(GRPC_URL)" "$(CA)"

stress-test: ## Loads a deployed app, bounded in rate and time: URL=http://… [SECONDS=10] [RATE=100]
	app/tests/stress "$(URL)" "$(SECONDS)" "$(RATE)" "$(CA)"

bench-app: ## Requests per second and memory of the sample app
	app/tests/bench

app-browser-test: ## Drives the sample app's pages in headless Chromium
	app/tests/setup --browser
	app/tests/browser/run

app-api-test: ## Tries the sample app's API against its own OpenAPI document
	app/tests/schemathesis

infra-plan: ## Shows what `infra-create` would do
	$(DEPLOYER) plan $(WHICH)

infra-create: ## Makes the account what the stack says
	$(DEPLOYER) apply $(WHICH)

publish: ## Builds the image, pushes it and rolls it out
	$(DEPLOYER) publish $(WHICH)

rollback: ## Stops a rollout, or brings the release before back: [SERVICE=web]
	$(DEPLOYER) rollback $(WHICH) $(SERVICE)

outputs: ## Prints addresses and names of what is running
	$(DEPLOYER) outputs $(WHICH)

status: ## Shows every resource and its state
	$(DEPLOYER) status $(WHICH)

logs: ## Shows what the services write, until interrupted
	$(DEPLOYER) logs $(WHICH) --follow

infra-destroy: ## Deletes everything the stack made
	$(DEPLOYER) destroy $(WHICH)
