# Callboard. `make` lists what can be done; each target does its own set-up.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# FTS5 in SQLite is a compile-time choice.
TAGS    := sqlite_fts5
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
CACHE   := $(or $(CALLBOARD_CACHE),$(CURDIR)/.cache)
export CALLBOARD_CACHE := $(CACHE)
GO      := go
# Without what only debuggers read, tests link in half the time.
GOTEST  := $(GO) test -tags $(TAGS) -ldflags "-s -w"
MODULES := . sdk plugins examples/hello-go

.PHONY: help
help: ## List the targets
	@echo "Callboard: a Backstage-compatible backend plugin host in Go"; echo
	@grep -hE '^[a-z][a-z0-9-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14
	@echo; echo "New here: make run, then open http://localhost:7007"

.PHONY: build
build: bridge plugins ## Build bin/callboard, bin/plugins/ and bin/fakes
	cd plugins && CGO_ENABLED=0 $(GO) build -trimpath -o $(CURDIR)/bin/ ./fakes
	$(GO) build -tags $(TAGS) -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/callboard ./server/cmd/callboard

.PHONY: bridge
bridge: ## Build what browsers load of the host, from npm packages in frontend-bridge/ (a few minutes, once)
	frontend-bridge/build.sh

.PHONY: plugins
plugins: ## Build the official plugins and those of the examples into bin/plugins/<id>/
	examples/plugins.sh bin/plugins

# bin/fakes serves what the official plugins talk to, for as long as the host runs.
.PHONY: run
run: build ## Run a portal with sample data on http://localhost:7007 (embedded SQLite, no network)
	@for app in app-with-plugins app; do \
	  frontend=$(CACHE)/backstage/app/packages/$$app/dist; if [ -f $$frontend/index.html ]; then set -- --frontend $$frontend; break; fi; done; \
	[ $$# -gt 0 ] || echo "The console answers on / ; \`make backstage\` builds the stock Backstage frontend, which is then served instead."; \
	echo "Callboard on http://localhost:7007 (stop with ctrl-c)"; \
	exec bin/fakes -port 0 -- bin/callboard serve --config examples/catalog/app-config.yaml \
	  --config bin/plugins/app-config.yaml --config plugins/fakes/app-config.yaml "$$@"

.PHONY: test
test: check languages bridge ## What CI checks besides the walk and test-whole: format, vet, all tests with the race detector
	@for m in $(MODULES); do (cd $$m && $(GOTEST) -vet=off -race -timeout 20m ./...); done
	cd examples/hello-python && /usr/bin/python3 -m unittest -q
	cd examples/hello-node && npm test --silent
	cd frontend-bridge && npm test --silent

# The race detector makes the template engine forty times slower, so these sample their tables under it.
INTERPRETED := $(addprefix ./server/internal/scaffolder/,templating workflow builtin tool)

.PHONY: test-whole
test-whole: ## The tables that the race detector samples, whole and without it
	$(GOTEST) -trimpath $(INTERPRETED) ./server/internal/apidocs/page
	$(GOTEST) -trimpath -run '^TestSecretsOfTasks|^TestTracesOf' ./server/internal/app
	$(GOTEST) -trimpath -run '^TestConformance$$' ./server/internal/conformance -args -area scaffolder

.PHONY: languages
languages: examples/hello-node/node_modules/.package-lock.json ## Install what the plugins in Python and Node need
	@/usr/bin/python3 -c 'import grpc, google.protobuf' 2>/dev/null || examples/backstage/debian.sh -f python3-grpcio

examples/hello-node/node_modules/.package-lock.json: examples/hello-node/package-lock.json
	cd examples/hello-node && npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

.PHONY: test-fast
test-fast: ## The fast tier, for the edit loop
	@for m in $(MODULES); do (cd $$m && $(GOTEST) -short ./...); done

.PHONY: check
check: ## Format, vet, module tidiness
	@unformatted=$$(gofmt -l catalog-info server sdk plugins examples 2>/dev/null | grep -v node_modules || true); \
	if [ -n "$$unformatted" ]; then echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; fi
	@for m in $(MODULES); do (cd $$m && $(GO) vet -tags $(TAGS) -trimpath ./... && $(GO) mod tidy -diff); done

.PHONY: lint
lint: $(CACHE)/bin/golangci-lint ## golangci-lint with the reasons in .golangci.yml (builds the tool once)
	@for m in $(MODULES); do (cd $$m && $(CACHE)/bin/golangci-lint run -c $(CURDIR)/.golangci.yml ./...); done

$(CACHE)/bin/golangci-lint:
	@echo "building golangci-lint once, about two minutes …"
	GOBIN=$(CACHE)/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.PHONY: proto
proto: $(CACHE)/bin/buf ## Generate from sdk/proto what other files hold of it: Go code, the examples' copies, the templates'
	cd sdk/proto && PATH=$(CACHE)/bin:$$PATH buf generate
	cd sdk && $(GO) test -run '^TestExamples_CarryTheProtocolAsItIs$$' ./conformance -update
	$(GOTEST) -short ./server/internal/pluginhost/starter -update

.PHONY: proto-check
proto-check: $(CACHE)/bin/buf ## Lint the protocol, refuse breaking changes, and hold the generated code to it
	cd sdk/proto && export PATH=$(CACHE)/bin:$$PATH && buf lint && buf breaking --against released.binpb
	@made=$$(mktemp -d); trap 'rm -rf "$$made"' EXIT; mkdir "$$made/proto"; \
	cp -r sdk/proto/. "$$made/proto"; (cd "$$made/proto" && PATH=$(CACHE)/bin:$$PATH buf generate); \
	diff -r "$$made/pluginv1" sdk/pluginv1 || { echo "sdk/pluginv1 is not what sdk/proto says: run make proto"; exit 1; }

.PHONY: proto-release
proto-release: $(CACHE)/bin/buf ## Make the protocol as it stands the one that later changes may not break
	cd sdk/proto && PATH=$(CACHE)/bin:$$PATH buf build -o released.binpb

$(CACHE)/bin/buf:
	@echo "building buf and the protobuf generators once, a few minutes …"
	GOBIN=$(CACHE)/bin $(GO) install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
	GOBIN=$(CACHE)/bin $(GO) install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2
	GOBIN=$(CACHE)/bin $(GO) install github.com/bufbuild/buf/cmd/buf@v1.75.0

ENGINE := server/internal/scaffolder/templating/js

.PHONY: engine
engine: ## Bundle the template language from npm into the file that the host embeds
	$(ENGINE)/build.sh

.PHONY: engine-check
engine-check: ## Hold the embedded template language to its sources
	$(ENGINE)/build.sh --check

.PHONY: bench
bench: build ## Measure the hot paths beside their bare limits, in one run (BENCH_FLAGS="-sizes 10000")
	$(GO) run -tags $(TAGS) ./server/internal/bench $(BENCH_FLAGS)

.PHONY: bench-cost
bench-cost: ## Measure the cost plugin's ledger with a year of bills beside reading them alone (ROWS=1000000)
	cd plugins && $(GO) run ./cost/bench -rows $(or $(ROWS),1000000)

.PHONY: chaos
chaos: ## Kill, stop, flood and upgrade plugins hundreds of times under load, and kill the host; about ten minutes
	CALLBOARD_CHAOS=full $(GOTEST) -count=1 -v -timeout 60m -run '^TestChaos' ./server/cmd/callboard

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME (default 20s)
	@for m in $(MODULES); do (cd $$m && for p in $$($(GO) list ./...); do \
	  for f in $$($(GOTEST) -list '^Fuzz' $$p 2>/dev/null | grep '^Fuzz' || true); do echo "$$p $$f"; $(GOTEST) -run '^$$' -fuzz "^$$f$$" -fuzztime $(or $(FUZZTIME),20s) $$p; done; done); done

.PHONY: conformance
conformance: ## Replay the recorded cases of the reference and print the score by area
	$(GOTEST) -count=1 -v -run TestConformance ./server/internal/conformance

.PHONY: conform
conform: build ## Hold each plugin in bin/plugins to the rules of the protocol, as `callboard plugin verify` does; a minute
	@printf '%s\n' bin/plugins/*/ | xargs -P 4 -I{} sh -c 'said=$$(bin/callboard plugin verify {}) || { echo "$$said"; exit 1; }; echo "$$said" | grep " conforms to "'

.PHONY: backstage
backstage: ## Create the stock Backstage app from npm, build its frontend unchanged, and again with plugins (a few minutes, once)
	examples/backstage/setup.sh

.PHONY: e2e
e2e: build conform backstage ## Walk the stock frontend on Callboard in headless Chromium, with plugins, and with the remote; an app of the frontend system before; a stock Node plugin beside it; screenshots in .cache/e2e
	examples/backstage/e2e.sh
	examples/backstage/e2e.sh --plugins
	examples/backstage/e2e.sh --remote
	examples/backstage/setup.sh --legacy
	examples/backstage/e2e.sh --legacy
	examples/backstage/node-plugin/run.sh

.PHONY: gateways
gateways: build ## Run the gateway plugin against a real Express Gateway, nginx and Prometheus (and Caddy: examples/gateways/run.sh --caddy)
	examples/gateways/run.sh

.PHONY: portals
portals: build ## Show widgets in three portals of other origins and try what must not work, in headless Chromium; screenshots in .cache/portals
	examples/portals/test.sh

.PHONY: tryit
tryit: build ## Try an API's operations through the host from a portal of another origin, in headless Chromium; screenshots in .cache/tryit
	examples/tryit/run.sh

.PHONY: console
console: build ## Walk the console in headless Chromium: accessibility, keyboard, no scripts, 360 pixels
	examples/console/run.sh

.PHONY: signin
signin: build ## Sign in to the console and from Backstage's own classes, in headless Chromium; screenshots in .cache/signin
	examples/signin/run.sh

.PHONY: hostile
hostile: build ## Open every page with texts that want to be markup, in headless Chromium; nothing of them may run
	examples/hostile/run.sh

.PHONY: viewers
viewers: build ## Time large API descriptions in Callboard's pages, Swagger UI and Redoc, in one run
	examples/viewers/run.sh

.PHONY: clean
clean: ## Remove what was built, and the cache
	rm -rf bin $(CACHE) frontend-bridge/.cache frontend-bridge/node_modules; git clean -qfdX frontend-bridge/dist frontend-bridge/packages
