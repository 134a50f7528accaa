# `make help` lists what there is. Everything is in CMake; this installs what is missing and spells out the usual calls.
PROGRAM := build/release/fqt
JOBS := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
SOURCES = $(shell find apps data engine layers models quant tests -name '*.h' -o -name '*.cpp' -o -name '*.inl')
export INSTALL ?= yes

.PHONY: build run test bench format format-check tidy asan clean help packages

build: packages  ## build the program, build/release/fqt (what `make` alone does)
	cmake --preset release
	cmake --build --preset release --target fqt

run: build  ## train resnet20 on the built-in images, at 6 bits and in float32, and compare
	@scripts/first_light.sh $(PROGRAM)

test: packages  ## build everything and run the tests
	cmake --preset release
	cmake --build --preset release
	ctest --preset release --parallel $(JOBS)

bench: packages  ## compare the kernels with oneDNN, and time training steps of every model
	@scripts/install_packages.sh bench
	cmake --preset release
	cmake --build --preset release --target fqt
	$(PROGRAM) bench gemm
	$(PROGRAM) bench quantize
	scripts/bench.py --program $(PROGRAM) --out build/bench.md $(if $(PYTORCH),--pytorch $(PYTORCH))

asan: packages  ## build with the address and undefined-behaviour sanitizers and run the tests
	cmake --preset asan
	cmake --build --preset asan
	ctest --preset asan --parallel $(JOBS)

format:  ## format the sources with clang-format
	@scripts/install_packages.sh format
	clang-format -i $(SOURCES)

format-check:  ## fail where a source is not formatted
	@scripts/install_packages.sh format
	clang-format --dry-run --Werror $(SOURCES)

tidy: packages  ## check the sources with clang-tidy
	@scripts/install_packages.sh tidy
	cmake --preset dev
	find apps data engine layers models quant tests -name '*.cpp' -not -path '*/install/*' -print0 | \
	  xargs -0 -n 1 -P $(JOBS) clang-tidy --quiet -p build/dev

clean:  ## remove what was built
	rm -rf build

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

packages:
	@scripts/install_packages.sh build
