# Chores. `make` alone lists them; what each does lies in scripts/.

PREFIX ?= $(HOME)/.local

.PHONY: help deps demo test soak bench bench-peers install clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

deps: ## install by apt what the build needs and this machine lacks
	@scripts/deps.sh
	@scripts/cargo.sh

demo: deps ## build, then process the samples into processed_results/
	@scripts/demo.sh

test: deps ## run every check: format, clippy, tests, mutants
	@scripts/test.sh

soak: deps ## run what takes long: every script of scripts/soak/
	@scripts/soak.sh

bench: deps ## measure beside other libraries; WINDLASS_SAMPLES names a folder of files
	@scripts/bench.sh

bench-peers: deps ## measure the cluster beside gearmand, Ray, Celery, Dask and HyperQueue
	@scripts/peers.sh

install: deps ## install windlass into PREFIX/bin (default ~/.local)
	cargo build --release --locked -p windlass-cli
	install -D -m 755 "$${CARGO_TARGET_DIR:-target}/release/windlass" "$(DESTDIR)$(PREFIX)/bin/windlass"

clean: ## remove what was built and processed
	cargo clean
	rm -rf processed_results
