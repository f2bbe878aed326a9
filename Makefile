# Every target installs what it needs first. An active virtual environment is used; otherwise .venv is made.
PYTHON ?= python3
VENV   ?= $(or $(VIRTUAL_ENV),.venv)
BIN    := $(VENV)/bin
READY  := $(VENV)/.varlen-installed

.DEFAULT_GOAL := help
.PHONY: help install demo test lint docs bench soak format fuzz check-native sanitize check-aarch64 clean

help:
	@echo "make demo     from text to a trained part-of-speech tagger, in a few minutes"
	@echo "make test     the whole test suite"
	@echo "make lint     formatting, lints, types and the floors of the house"
	@echo "make docs     the catalogue of cells, as build/docs/cells.html"
	@echo "make bench    the measurements that the docs speak of, side by side with others"
	@echo "make soak     passes interrupted at random and resumed, for twenty minutes (SOAK_SECONDS), or left"
	@echo "make format   put every file into the house's format"
	@echo "make fuzz     hostile bytes for the native core, under sanitizers, for a short time (clang)"
	@echo "make check-native   the time loops of the native core against plain loops, without Python"
	@echo "make sanitize       the same under sanitizers of memory, undefined behaviour and threads"
	@echo "make check-aarch64  the same as built for ARM, emulated (g++-aarch64-linux-gnu, qemu-user)"
	@echo "make clean    remove what the other targets made"

install: $(READY)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# A torch that is there and new enough stays, whatever its version: only then is its pin left out.
$(READY): $(BIN)/python pyproject.toml constraints.txt CMakeLists.txt $(wildcard csrc/*/*.h csrc/*/*.cpp)
	@$(BIN)/python -c "import torch, sys; sys.exit(tuple(map(int, torch.__version__.split('.')[:2])) < (2, 10))" 2>/dev/null \
	  || $(BIN)/pip install --constraint constraints.txt torch
	@grep -v '^torch==' constraints.txt > $(VENV)/varlen-constraints.txt
	$(BIN)/pip install --constraint $(VENV)/varlen-constraints.txt --editable '.[dev]'
	@touch $@

demo: $(READY)
	PATH="$(abspath $(BIN)):$$PATH" examples/demo.sh

test: $(READY)
	$(BIN)/pytest

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/lint-imports

docs: $(READY)
	PYTHONPATH=docs $(BIN)/python -m catalogue build/docs

bench: $(READY)
	$(BIN)/python benchmarks/crc32c.py
	$(BIN)/python benchmarks/records.py
	$(BIN)/python benchmarks/data.py
	$(BIN)/python benchmarks/rnn.py
	$(BIN)/python benchmarks/cells.py
	$(BIN)/python benchmarks/linear_cross_entropy.py

SOAK_SECONDS ?= 1200

soak: $(READY)
	$(BIN)/python benchmarks/soak.py --seconds $(SOAK_SECONDS)
	$(BIN)/python benchmarks/starts_and_stops.py

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Seconds for each target. What a run finds to begin with stays in build/fuzz for the next.
FUZZ_SECONDS ?= 30

fuzz: $(patsubst csrc/tests/%.cpp,build/fuzz/%,$(wildcard csrc/tests/fuzz_*.cpp))
	@for target in $^; do \
	  mkdir -p $$target.corpus && echo "$$target" && \
	  $$target -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -verbosity=0 -print_final_stats=1 \
	    -artifact_prefix=build/fuzz/ $$target.corpus || exit 1; \
	done

build/fuzz/%: csrc/tests/%.cpp $(wildcard csrc/*/*.h)
	@mkdir -p $(@D)
	clang++ -std=c++17 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	  -Icsrc $< -o $@

# build/check/VARIANT/check_rnn: the time loops with every instruction set, and their checks.
LOOPS         := $(wildcard csrc/rnn/*.h csrc/tests/rnn_*.h)
FLAGS_plain   := -O2
FLAGS_address := -O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all
FLAGS_thread  := -O1 -g1 -fsanitize=thread
FLAGS_aarch64 := -O3 -fno-schedule-insns -static
AARCH64       ?= aarch64-linux-gnu-g++
compiler = $(if $(filter aarch64,$(1)),$(AARCH64),$(CXX)) -std=c++17 -Icsrc -pthread \
  -Wall -Wextra -Wno-psabi $(FLAGS_$(1))

KERNELS := baseline_float baseline_double
ifeq ($(shell uname -m),x86_64)
ARCH_baseline := -march=x86-64-v2
ARCH_avx2     := -march=x86-64-v3
ARCH_avx512   := -march=x86-64-v4
KERNELS += avx2_float avx2_double avx512_float avx512_double
endif
build/check/aarch64/%: ARCH_baseline :=
KERNELS_aarch64 := baseline_float baseline_double
objects = $(patsubst %,build/check/$(1)/%.o,$(or $(KERNELS_$(1)),$(KERNELS)))

# Of a kernel's name, as avx2_float: the instruction set and the type of numbers.
isa  = $(firstword $(subst _, ,$(*F)))
real = $(lastword $(subst _, ,$(*F)))

build/check/%.o: csrc/rnn/kernels.cpp $(LOOPS)
	@mkdir -p $(@D)
	$(call compiler,$(*D)) $(ARCH_$(isa)) -DVARLEN_ISA=$(*F) -DVARLEN_REAL=$(real) \
	  -DVARLEN_NAME='"$(isa)"' -c $< -o $@

.SECONDARY:
.SECONDEXPANSION:
build/check/%/check_rnn: csrc/tests/check_rnn.cpp csrc/rnn/loop.cpp $(LOOPS) $$(call objects,$$*)
	$(call compiler,$*) $(filter %.cpp %.o,$^) -o $@

check-native: build/check/plain/check_rnn
	$<

# New memory is filled with ones, which make NaN.
sanitize: build/check/address/check_rnn build/check/thread/check_rnn
	ASAN_OPTIONS=malloc_fill_byte=255:max_malloc_fill_size=1000000000 build/check/address/check_rnn
	build/check/thread/check_rnn

check-aarch64: build/check/aarch64/check_rnn
	qemu-aarch64 $< 64

clean:
	rm -rf .venv build runs
