# Every target installs what it needs first. An active virtual environment is used; otherwise .venv is made.
PYTHON ?= python3
VENV   ?= $(or $(VIRTUAL_ENV),.venv)
BIN    := $(VENV)/bin
READY  := $(VENV)/.varlen-installed

.DEFAULT_GOAL := help
.PHONY: help install demo test lint format clean

help:
	@echo "make demo     from text to a trained part-of-speech tagger, in a few minutes"
	@echo "make test     the whole test suite"
	@echo "make lint     formatting, lints, types and the floors of the house"
	@echo "make format   put every file into the house's format"
	@echo "make clean    remove what the other targets made"

install: $(READY)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# A torch that is there and new enough stays, whatever its version: only then is its pin left out.
$(READY): $(BIN)/python pyproject.toml constraints.txt CMakeLists.txt $(wildcard csrc/*.cpp csrc/*/*.h)
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

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv build runs
