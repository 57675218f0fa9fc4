# One build flavour for everything, since each compiles the AWS SDK anew; why these: see e2e/house.
export GOFLAGS     := -trimpath -tags=lambda.norpc
export CGO_ENABLED := 0

ARCH     ?= arm64
FUZZTIME ?= 60s
PYTHON   ?= python3

FUNCTIONS     := pause resume guard
STRIPPED      := -ldflags='-s -w'
GOLANGCI_LINT := v2.15.0
LINT          := .tools/golangci-lint-$(GOLANGCI_LINT)
MOTO          := .venv/installed
DYNAMODB      := .tools/dynamodb-local/installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help build functions $(FUNCTIONS) demo test vet unit e2e chaos mutations bench fuzz lint tools clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build the CLI, bin/aws-hit-breaks
	go build $(STRIPPED) -o bin/aws-hit-breaks ./cli/aws-hit-breaks

functions: $(FUNCTIONS) ## Build the Lambda functions into build/functions, for ARCH=arm64 (or amd64)

$(FUNCTIONS):
	GOOS=linux GOARCH=$(ARCH) go build $(STRIPPED) -o build/functions/$@/bootstrap ./functions/$@
	go run ./e2e/pack build/functions/$@/bootstrap build/functions/$@.zip

demo: build ## Pause and resume a simulated account
	@bin/aws-hit-breaks demo

# CI=1: what a test needs must be there, nothing is skipped. Alarms come from outside in words that nobody
# documents: they are fuzzed for a minute, what else is read for a few seconds.
test: export CI := 1
test: tools vet ## Run everything: unit, property, simulation, conformance, e2e, a little fuzzing
	go test ./...
	$(call fuzz,60s,5s)

vet: ## Check the format of the source, and what go vet checks
	@unformatted=$$(gofmt -l cli e2e functions pkg snapshots) && \
		if [ -n "$$unformatted" ]; then echo "gofmt would change: $$unformatted"; exit 1; fi
	go vet ./...

unit: ## Run the tests that need Go alone
	go test ./cli/... ./functions/... ./pkg/... ./snapshots/...

e2e: export CI := 1
e2e: tools ## Run the built functions and CLI against moto and DynamoDB Local
	go test -count=1 ./e2e/moto/...

# The families print a line each. Everything else that the tests say is in build/chaos.log, of which what
# failed is shown, with the command that runs it again. The code of go test is that of awk.
chaos: export CI := 1
chaos: export CHAOS := full
chaos: export CHAOS_SEED ?= 1
chaos: tools ## Every fault family at full depth, CHAOS_SEED=1
	@mkdir -p build
	@{ go test -count=1 -v -timeout 30m -run '^TestChaos' ./e2e/sim ./e2e/moto 2>&1; echo "exit $$?"; } | awk ' \
		/^exit [0-9]+$$/ { code = $$2; next } \
		{ print > "build/chaos.log" } \
		/^(chaos |crash points|FAIL|panic: |ok )|^ *--- FAIL|^ *[a-z_]+_test.go:[0-9]+: replay: / { print; fflush() } \
		END { if (code != 0) print "all that was said: build/chaos.log"; exit code }'

mutations: ## Break each promise in a copy of the tree: the family that should notice must
	@e2e/chaos/mutations/run.sh

bench: ## Print the figures of every fleet: time, calls, writes, CPU, memory
	go test -count=1 -v -run Figures ./e2e/bench

fuzz: ## Fuzz every target for FUZZTIME=60s
	$(call fuzz,$(FUZZTIME),$(FUZZTIME))

# Every fuzz target of the tree, one after the other: $(call fuzz,TIME of alarms,TIME of each other)
define fuzz
@grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' cli e2e functions pkg snapshots | \
	sed 's|^|./|; s|/[^/]*:func | |' | sort | while read -r package target; do \
		case "$$package $$target" in './pkg/alarm FuzzParse') for=$(1);; *) for=$(2);; esac; \
		echo "fuzz $$package $$target for $$for"; \
		go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $$for -fuzzminimizetime 20x $$package </dev/null || exit 1; \
	done
endef

lint: $(LINT) ## Run golangci-lint
	$(LINT) run ./...

$(LINT):
	GOBIN=$(CURDIR)/.tools go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT)
	@mv .tools/golangci-lint $@

tools: $(MOTO) $(DYNAMODB) ## Install moto (Python 3) and DynamoDB Local (a JDK with Maven) for the tests

$(MOTO): e2e/requirements.txt
	rm -rf .venv
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r $<
	@touch $@

$(DYNAMODB): e2e/dynamodb-local/pom.xml
	rm -rf .tools/dynamodb-local.new
	mvn -q -B -f $< dependency:copy-dependencies -DoutputDirectory=$(CURDIR)/.tools/dynamodb-local.new
	@rm -rf .tools/dynamodb-local && mv .tools/dynamodb-local.new .tools/dynamodb-local
	@touch $@

clean: ## Remove what was built and what the tests installed
	rm -rf bin build .venv .tools
