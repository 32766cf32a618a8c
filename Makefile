# Two commands on a fresh machine: `make verify` and `make test`.
.PHONY: build verify test check format bench

# On a fresh machine many files compile as one: a third less work. Who edits compiles file by file, after
# 'cmake --preset release -DCMAKE_UNITY_BUILD=OFF'.
build:
	ci/setup
	test -e build/release/CMakeCache.txt || cmake --preset release -Wno-dev -DCMAKE_UNITY_BUILD=ON > /dev/null
	cmake --preset release -Wno-dev > /dev/null
	cmake --build --preset release

# Installs, builds, and verifies the systems under fixtures/ against their known answers.
verify: build
	ci/verify

# Installs, checks the sources, builds, and runs every test.
test:
	ci/setup
	ci/check
	$(MAKE) build
	ci/servers
	ctest --preset release

check:
	ci/check

format:
	ci/format

# Builds and runs the benchmark; `build/release/bench NAME...` takes single measurements.
bench: build
	cmake --build --preset release --target bench
	build/release/bench
