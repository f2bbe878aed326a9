# Every target installs what it needs first. An active virtual environment is used; otherwise .venv is made.
PYTHON ?= python3
VENV   ?= $(or $(VIRTUAL_ENV),.venv)
BIN    := $(VENV)/bin
READY  := $(VENV)/.varlen-installed

.DEFAULT_GOAL := help
.PHONY: help install demo test lint bench format fuzz clean

help:
	@echo "make demo     from text to a trained part-of-speech tagger, in a few minutes"
	@echo "make test     the whole test suite"
	@echo "make lint     formatting, lints, types and the floors of the house"
	@echo "make bench    the measurements that the docs speak of, side by side with others"
	@echo "make format   put every file into the house's format"
	@echo "make fuzz     hostile bytes for the native core, under sanitizers, for a short time (clang)"
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

bench: $(READY)
	$(BIN)/python benchmarks/crc32c.py
	$(BIN)/python benchmarks/rnn.py

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

clean:
	rm -rf .venv build runs
