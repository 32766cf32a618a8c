# Two commands on a fresh machine: `make verify` and `make test`.
.PHONY: build verify test check format bench

build:
	ci/setup
	cmake --preset release -Wno-dev > /dev/null
	cmake --build --preset release

# Installs, builds, and verifies the systems under fixtures/ against their known answers.
verify: build
	ci/verify

# Installs, builds, and runs every test.
test: build
	ci/check
	ctest --preset release

check:
	ci/check

format:
	ci/format

# Builds and runs the benchmark; `build/release/bench NAME...` takes single measurements.
bench: build
	cmake --build --preset release --target bench
	build/release/bench
