# Each target does its own set-up; where everything is there already, that is a look and nothing more.
SWIFT ?= swift
SWIFT_CODE := $(wildcard Package.swift Sources Tests Fuzz $(foreach part,Benchmarks Examples Tool,$(addprefix $(part)/,Package.swift Sources Tests)))

define call_others
$(SWIFT) build --package-path Examples
python3 Interop/run.py
python3 Interop/mdns.py
python3 Interop/browser.py
endef

.DEFAULT_GOAL := help
.PHONY: help setup demo test interop examples tool docs snippets lab bench soak lint format clean

help: ## Tell what there is
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: ## Install what building and testing need
	@Scripts/setup test

demo: ## Let two clients in one process find each other and talk
	@Scripts/setup build
	$(SWIFT) run --package-path Examples ping-pong

test: ## Run the tests, then calls with other ICE implementations
	@Scripts/setup test
	$(SWIFT) test --disable-xctest
	$(call_others)

interop: ## Run calls with other ICE implementations only
	@Scripts/setup test
	$(call_others)

examples: ## Build the examples and check that they do what they say
	@Scripts/setup test
	$(SWIFT) build --package-path Examples --build-tests
	$(SWIFT) test --package-path Examples --skip-build --disable-xctest
	@failed=0; for check in Examples/Checks/*.py; do echo "$$check"; python3 $$check || failed=1; done; exit $$failed

tool: ## Build the command-line tool, Tool/.build/debug/ice, and check it
	@Scripts/setup test
	$(SWIFT) build --package-path Tool --build-tests
	$(SWIFT) test --package-path Tool --skip-build --disable-xctest
	python3 Tool/Checks/tool.py

docs: ## Build the documentation, and check that it is whole
	@Scripts/setup build
	@Scripts/docs

snippets: ## Compile every Swift example of the documentation
	@Scripts/setup build
	@Scripts/snippets

lab: ## Run calls through real NATs, failures and bad lines (root only)
	@Scripts/setup lab
	@! python3 Interop/lab/run.py --check || { \
		$(SWIFT) build --package-path Examples --configuration release --product ice-peer && python3 Interop/lab/run.py; }

# What soak holds, and for how long.
COUNT ?= 10000
SECONDS ?= 3600

bench: ## Measure, beside others and bare C, and write docs/performance.md (QUICK=yes: only try all)
	@Scripts/setup test
	python3 Benchmarks/run.py $(if $(QUICK),--quick,--report docs/performance.md)

soak: ## Hold 10,000 calls for an hour (COUNT=, SECONDS=)
	@Scripts/setup build
	python3 Benchmarks/soak.py --count $(COUNT) --seconds $(SECONDS)

lint: ## Check formatting and the rules between the floors
	@Scripts/setup build
	@Scripts/lint

format: ## Format all Swift code in place
	$(SWIFT) format --in-place --recursive --parallel $(SWIFT_CODE)

clean: ## Remove what was built, the peers too
	rm -rf .build .build-snippets Benchmarks/.build Examples/.build Tool/.build Interop/.tools
