# One build flavour for everything, since each compiles the AWS SDK anew; why these: see e2e/house.
export GOFLAGS     := -trimpath -tags=lambda.norpc
export CGO_ENABLED := 0

ARCH     ?= arm64
FUZZTIME ?= 60s
PYTHON   ?= python3

FUNCTIONS     := pause resume guard
CDK           := .tools/npm/node_modules/.bin/cdk
STRIPPED      := -ldflags='-s -w'
GOLANGCI_LINT := v2.15.0
LINT          := .tools/golangci-lint-$(GOLANGCI_LINT)
# Newer ones of goreleaser need Go 1.27.
GORELEASER_VERSION := v2.16.0
GORELEASER    := .tools/goreleaser-$(GORELEASER_VERSION)
SYFT          := .tools/syft
MOTO          := .venv/installed
DYNAMODB      := .tools/dynamodb-local/installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help build functions $(FUNCTIONS) infra synth diff deploy destroy stackset demo test vet unit e2e chaos guarantees mutations bench fuzz release-snapshot lint tools clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build the CLI, bin/aws-hit-breaks
	go build $(STRIPPED) -o bin/aws-hit-breaks ./cli/aws-hit-breaks

functions: $(FUNCTIONS) ## Build the Lambda functions into build/functions, for ARCH=arm64 (or amd64)

$(FUNCTIONS):
	GOOS=linux GOARCH=$(ARCH) go build $(STRIPPED) -o build/functions/$@/bootstrap ./functions/$@
	go run ./e2e/pack build/functions/$@/bootstrap build/functions/$@.zip

# The CDK CLI calls this before every synth (cdk.json), so that what is deployed is what is here.
infra: functions
	go build -o build/infra ./infra

synth: $(CDK) ## Write the CloudFormation templates into build/cdk.out
	$(CDK) synth --quiet

diff: $(CDK) ## Show what a deployment would change in the account
	$(CDK) diff

# The first is for the code of the functions: a bucket and roles of this product's own (cdk.json), which
# are made once in an account and region.
deploy: $(CDK) ## Deploy what cdk.json says into the account of your AWS credentials
	$(CDK) bootstrap
	$(CDK) deploy --all

# docs/deploy.md says how to go on. The name of an object is what the templates call it.
stackset: $(CDK) ## Collect templates and code for an organisation in build/stackset (assets in cdk.json)
	rm -rf build/stackset build/stackset.out
	$(CDK) synth --quiet --output build/stackset.out
	mkdir build/stackset
	cp build/stackset.out/*.template.json build/stackset
	for zip in build/stackset.out/asset.*.zip; do cp $$zip build/stackset/$${zip##*/asset.}; done

destroy: $(CDK) ## Remove the switch from the account; the snapshot table stays
	$(CDK) destroy Switch BillingAlarm
	@echo "The table of the snapshots is still there, with its stack: docs/deploy.md says how to remove it."

demo: build ## Pause and resume a simulated account
	@bin/aws-hit-breaks demo

# CI=1: what a test needs must be there, nothing is skipped. Alarms come from outside in words that nobody
# documents: they are fuzzed for a minute, what else is read for a few seconds.
test: export CI := 1
test: tools vet ## Run everything: unit, property, simulation, conformance, e2e, a little fuzzing
	go test ./...
	go run ./e2e/fuzz -time 5s -alarms 60s

vet: ## Check the format of the source, and what go vet checks
	@unformatted=$$(gofmt -l cli e2e functions infra pkg snapshots) && \
		if [ -n "$$unformatted" ]; then echo "gofmt would change: $$unformatted"; exit 1; fi
	go vet ./...

unit: ## Run the tests that need Go alone
	go test ./cli/... ./functions/... ./pkg/... ./snapshots/...

e2e: export CI := 1
e2e: tools ## Run the built functions and CLI against moto and DynamoDB Local
	go test -count=1 ./e2e/moto/...

# The families print a line each. Everything else that the tests say is in build/chaos.log, of which what
# failed is shown, with the command that runs it again. The code of go test is that of awk. The simulated
# families take what the processors have; those of real processes wait, and run beside them.
chaos: export CI := 1
chaos: export CHAOS := full
chaos: export CHAOS_SEED ?= 1
chaos: export GOGC := 800
chaos: tools ## Every fault family at full depth, CHAOS_SEED=1
	@mkdir -p build
	@rm -rf build/chaos
	@{ family() { go test -count=1 -v -timeout 60m -run '^TestChaos' $$1 2>&1; }; \
		family ./e2e/moto & family ./e2e/sim; code=$$?; wait $$! || code=$$?; \
		go run ./e2e/fuzz -time 30000x 2>&1 || code=$$?; echo "exit $$code"; } | awk ' \
		/^exit [0-9]+$$/ { code = $$2; next } \
		{ print > "build/chaos.log" } \
		/^(chaos |crash points|FAIL|panic: |ok )|^ *--- FAIL|^ *([a-z_]+_test.go:[0-9]+: )?replay: / { print; fflush() } \
		END { if (code != 0) print "all that was said: build/chaos.log"; exit code }'

guarantees: ## Write docs/guarantees.md, with the counts of the last make chaos
	go run ./e2e/guarantees

mutations: ## Break each promise in a copy of the tree: the family that should notice must
	@e2e/chaos/mutations/run.sh

bench: export CI := 1
bench: export BENCH := full
bench: tools ## Print the figures of every fleet (time, calls, dollars, CPU, memory, quota) and of the built functions, and write docs/performance.md
	go test -count=1 -v -p 1 -timeout 120m -run 'Figures|Growth|SettledDay' ./e2e/bench ./e2e/moto

fuzz: ## Fuzz every target for FUZZTIME=60s
	go run ./e2e/fuzz -time $(FUZZTIME)

release-snapshot: $(GORELEASER) $(SYFT) ## Build the archives of a release into build/release, with checksums and SBOMs
	PATH="$(CURDIR)/.tools:$$PATH" GOFLAGS= $(GORELEASER) release --snapshot --clean --timeout 3h
	@large=$$(find build/release/*/ -name 'aws-hit-breaks*' -size +25165824c) && \
		if [ -n "$$large" ]; then ls -l $$large; echo "no binary may have more than 25165824 bytes"; exit 1; fi
	@ls -l build/release/*.tar.gz build/release/*.zip build/release/checksums.txt

lint: $(LINT) ## Run golangci-lint
	$(LINT) run ./...

$(LINT):
	GOBIN=$(CURDIR)/.tools go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT)
	@mv .tools/golangci-lint $@

$(GORELEASER):
	GOFLAGS=-trimpath GOBIN=$(CURDIR)/.tools go install github.com/goreleaser/goreleaser/v2@$(GORELEASER_VERSION)
	@mv .tools/goreleaser $@

# goreleaser looks for it by this name.
$(SYFT):
	GOFLAGS=-trimpath GOBIN=$(CURDIR)/.tools go install github.com/anchore/syft/cmd/syft@v1.50.0

tools: $(MOTO) $(DYNAMODB) $(CDK) ## Install what the tests need: moto and cfn-lint (Python 3), DynamoDB Local (a JDK with Maven), the CDK CLI (Node)

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

# In a folder that begins with a dot, since packages of npm bring Go files that are none.
$(CDK): package-lock.json
	mkdir -p .tools/npm
	cp package.json package-lock.json .tools/npm
	npm ci --prefix .tools/npm --ignore-scripts --no-audit --no-fund --silent
	@touch $@

clean: ## Remove what was built and what the tests installed
	rm -rf bin build .venv .tools
