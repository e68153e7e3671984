# Two commands are all it takes: `make demo` and `make test`.
export PATH := $(PATH):$(HOME)/.cargo/bin

help:        ## this list
	@sed -n 's/^\([a-z]*\): *## */  make \1\t/p' $(MAKEFILE_LIST)

setup:       ## install what building and testing need (packages, Rust, the stock client)
	@tests/setup

demo:        ## from nothing to real RPMs, built by toji and driven by the stock koji command
	@tests/setup
	cargo build
	tests/demo

test:        ## everything, on private databases and brokers
	@tests/setup
	cargo test --workspace

bench:       ## how long things take, printed and not judged
	@tests/setup
	cargo bench --bench times

lint:        ## formatting and house rules
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

.PHONY: help setup demo test bench lint
