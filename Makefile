.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

TARGET := $(or $(CARGO_TARGET_DIR),target)
HOST := $(TARGET)/debug/nango-mcp-host
FINISH := $(TARGET)/debug/finish-component

# What is given away, FILE=PACKAGE: dist/FILE.wasm is made of the package, whose Cargo.toml says the rest for `make dist`.
COMPONENTS := nango-mcp=nango-mcp-component nango-mcp-wassette=nango-mcp-wassette nango-mcp-act=nango-mcp-act

# Panics name the source file: as a crate's, not as a place on the machine that built it.
# (Expanded when a recipe runs, after `target` has fetched the sources.)
REGISTRY = $(firstword $(wildcard $(or $(CARGO_HOME),$(HOME)/.cargo)/registry/src/*))
WASM = --target wasm32-wasip2 --config 'target.wasm32-wasip2.rustflags=["--remap-path-prefix=$(REGISTRY)=crates"]'
# The component's standard library is built with it, for size, and a panic ends it at once, without a message: no call may
# panic, and what prints panics would be a tenth of the file. The toolchain is pinned, so what is unstable here stays as it is.
SMALL = -Zbuild-std=std,panic_abort -Zbuild-std-features=optimize_for_size \
	--config 'target.wasm32-wasip2.rustflags=["-Cpanic=immediate-abort", "-Zunstable-options"]'

# Budgets of the component with the tools of this version and MCP over HTTP, in bytes.
RAW_BUDGET := 450000
GZIP_BUDGET := 185000
# Budget of each world.
WORLD_BUDGET := 450000

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

.PHONY: demo
demo: build ## Connect, break and repair an account in the sandbox; no account, no network
	@$(HOST) demo

.PHONY: build
build: component ## Build dist/nango-mcp.wasm and the host dist/nango-mcp-host
	@mkdir -p dist
	@rm -f dist/nango-mcp-host
	@cp $(HOST) dist/nango-mcp-host

.PHONY: component
component: target host
	@$(MAKE) --no-print-directory dist/nango-mcp.wasm

# The other worlds of the same tools, one file each.
.PHONY: worlds
worlds: target host ## Build the worlds of other gateways: dist/nango-mcp-wassette.wasm, dist/nango-mcp-act.wasm
	@$(MAKE) --no-print-directory $(filter-out dist/nango-mcp.wasm,$(FILES))

# All components and nothing else, which must come out the same everywhere (`make reproducible`).
FILES := $(foreach each,$(COMPONENTS),dist/$(firstword $(subst =, ,$(each))).wasm)
.PHONY: wasm FORCE
wasm: $(FILES)
FORCE:

# One by one: built together, each would have the features that another asks of a crate.
dist/%.wasm: PACKAGE = $(patsubst $*=%,%,$(filter $*=%,$(COMPONENTS)))
dist/%.wasm: FORCE
	@echo "building the component $@ ..."
	@RUSTC_BOOTSTRAP=1 cargo build --locked --profile component $(WASM) $(SMALL) -p $(PACKAGE)
	@mkdir -p dist
	@$(FINISH) $(TARGET)/wasm32-wasip2/component/$(subst -,_,$(PACKAGE)).wasm $@ $(PACKAGE) $(wildcard worlds/$(patsubst nango-mcp-%,%,$*)/docs.json)
	@$(foreach manifest,$(wildcard worlds/$(patsubst nango-mcp-%,%,$*)/act.toml),$(dir $(FINISH))act-manifest $(manifest) $@)

# All that runs on this machine at once, and so with the features that tests see: wasmtime is compiled once. cargo's own
# progress shows meanwhile.
.PHONY: host
host:
	@test -x $(HOST) || echo "building the host and what finishes components; the first time compiles wasmtime and Binaryen and takes about fifteen minutes on two cores ..."
	@cargo build --locked

# rust-toolchain.toml names target and sources; a toolchain installed before still needs them added.
.PHONY: target
target:
	@rustup target list --installed | grep -qx wasm32-wasip2 || rustup target add wasm32-wasip2
	@rustup component list --installed | grep -qx rust-src || rustup component add rust-src
	@cargo fetch --quiet --locked

# A component that uses ours as a library, built as anybody would.
.PHONY: compose
compose: target
	@RUSTC_BOOTSTRAP=1 cargo build --quiet --locked --profile component $(WASM) -p example-compose

.PHONY: dist
dist: build worlds ## Write what goes with the components into dist/: checksums, bills of materials, OCI layouts; and list them
	@$(TARGET)/debug/dist $(COMPONENTS)

.PHONY: reproducible
reproducible: build worlds ## Build the last commit twice, as different people in different places: the same bytes; two minutes where nothing else runs
	@worlds/reproducible $(FINISH) dist/*.wasm

.PHONY: test
test: build worlds guest compose ## Run all tests: the library, and the built components in the host
	cargo test --locked

# The misbehaving guest that tests of the sandbox load.
.PHONY: guest
guest: target
	@RUSTC_BOOTSTRAP=1 cargo build --quiet --locked --profile component $(WASM) -p misbehaving-guest

.PHONY: fuzz
fuzz: build ## Mutated requests to the HTTP endpoint for a minute: FUZZ_SECONDS changes that, FUZZ_SEED repeats a run
	FUZZ_SECONDS=$${FUZZ_SECONDS:-30} cargo test --quiet --locked -p nango-mcp --test main -- fuzz --nocapture
	FUZZ_SECONDS=$${FUZZ_SECONDS:-30} cargo test --quiet --locked -p nango-mcp-host --test main -- endpoint::fuzz --nocapture

# The wasmtime of the command line, where none is on the PATH: with what serving needs and nothing else.
WASMTIME ?= $(or $(shell command -v wasmtime),target/tools/bin/wasmtime)
WASMTIME_VERSION := 48.0.8
.PHONY: wasmtime
wasmtime:
	@test -x $(WASMTIME) || { \
	echo "building the command line of wasmtime; it takes about seven minutes on two cores ..."; \
	CARGO_TARGET_DIR=target/tools/build cargo install --quiet --locked wasmtime-cli --version $(WASMTIME_VERSION) --root target/tools \
		--no-default-features \
		--features run,serve,compile,component-model,component-model-async,cache,pooling-allocator,parallel-compilation,threads; \
	rm -rf target/tools/build; }

.PHONY: serve
serve: build wasmtime ## Serve MCP at http://127.0.0.1:8080/mcp with wasmtime alone: ADDR changes the address
	@WASMTIME=$(WASMTIME) deploy/wasmtime/serve

.PHONY: generate
generate: component worlds ## Rewrite what is generated: snapshots of the tools, the WIT of worlds/wassette, tables in README.md and docs/, docs/tools.md, docs/session.md
	UPDATE=1 cargo test --quiet --locked --test main -- generated documents the_table_of_sizes

.PHONY: lint
lint: build ## Formatting, clippy with warnings as errors, and the tools' words by tdqs (needs python3)
	cargo fmt --all --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --profile component $(WASM) -p nango-mcp-component -p nango-mcp-act -p misbehaving-guest -p bench-bare -p bench-least -p example-compose -- -D warnings
	cargo clippy --locked --profile component $(WASM) -p nango-mcp-wassette -- -D warnings
	host-test/clients/lint $(HOST)

.PHONY: deny
deny: ## Licences and sources of dependencies (installs cargo-deny when missing)
	@command -v cargo-deny >/dev/null || cargo install --quiet --locked cargo-deny
	cargo deny --workspace --offline check --hide-inclusion-graph bans licenses sources

.PHONY: size
size: component worlds ## Size of the components against their budgets, and of each tool in tools/list
	@raw=$$(wc -c < dist/nango-mcp.wasm); zip=$$(gzip -9c dist/nango-mcp.wasm | wc -c); \
	printf '%-8s %8s of %8s bytes\n' raw $$raw $(RAW_BUDGET) gzip $$zip $(GZIP_BUDGET); \
	cargo run --quiet --locked -p nango-mcp --example sizes; \
	over=0; for world in dist/nango-mcp-*.wasm; do raw_of=$$(wc -c < $$world); \
	printf '%-32s raw %8s of %8s bytes, gzip %8s\n' $$world $$raw_of $(WORLD_BUDGET) $$(gzip -9c $$world | wc -c); \
	test $$raw_of -le $(WORLD_BUDGET) || over=1; done; \
	test $$over -eq 0 -a $$raw -le $(RAW_BUDGET) -a $$zip -le $(GZIP_BUDGET) || { echo "over budget" >&2; exit 1; }

.PHONY: bench
bench: build worlds ## Start-up, memory, load, and one call beside a native client, into docs/performance.md; QUICK=1 only prints, AGAINST=<another build of the host> compares with that, too
	@cargo build --quiet --locked --example bench
	target/debug/examples/bench $(if $(QUICK),--quick)$(if $(AGAINST),--against $(AGAINST))

# The clients need node, npm and python3, and the network once.
.PHONY: clients
clients: build wasmtime ## Try the official MCP clients on stdio, the host's HTTP and wasmtime serve
	WASMTIME=$(WASMTIME) host-test/clients/run

.PHONY: conformance
conformance: build wasmtime ## Hold both HTTP endpoints against the official MCP conformance suite
	WASMTIME=$(WASMTIME) host-test/clients/conformance

.PHONY: jco
jco: build ## Serve the component on Node with jco, transpile it, and call both
	host-test/clients/jco

.PHONY: act
act: build worlds ## Run the component in ACT's published host (needs python3, and the network once)
	host-test/clients/act $(HOST)

.PHONY: browser
browser: build ## Open the Connect page in headless Chromium: SCREENSHOTS=1 rewrites docs/page, INSTALL=1 installs chromium
	host-test/browser/run $(HOST)

# A component that makes one POST and nothing else, and one that speaks as much MCP as that takes; built like ours, one by one.
.PHONY: bare
bare: target host
	@mkdir -p target/bench
	@for name in bare least; do \
		RUSTC_BOOTSTRAP=1 cargo build --quiet --locked --profile component $(WASM) $(SMALL) -p bench-$$name; \
		$(FINISH) target/wasm32-wasip2/component/bench_$$name.wasm target/bench/$$name.wasm; \
	done

.PHONY: bench-serve
bench-serve: build bare wasmtime ## The component in wasmtime serve, beside bare ones and a native server; QUICK=1 takes half a minute
	@cargo build --quiet --locked --example bench_serve
	WASMTIME=$(WASMTIME) target/debug/examples/bench_serve $(if $(QUICK),--quick)

.PHONY: soak
soak: build guest ## Faults and load, on loopback: what was expected and what happened; QUICK=1 takes half a minute
	@cargo build --quiet --locked --example soak
	target/debug/examples/soak $(if $(QUICK),--quick)

.PHONY: evals
evals: build ## Play the everyday requests of evals/: 30 right ways pass, 60 wrong ways fail; then a driver through MCP
	@cargo build --quiet --locked -p nango-mcp-host --example evals
	target/debug/examples/evals
	@if python3 -c 'import tomllib' 2>/dev/null; then target/debug/examples/evals --driver evals/driver-example; \
	else echo "NOT TESTED: evals/driver-example needs python3, 3.11 or later" >&2; fi

.PHONY: ci
ci: ## What CI runs
	.ci/run
