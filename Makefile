# The work is done by the scripts in hack/; each says at its top how it is used.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help build collection packages test test-all test-unit test-molecule test-power detection bench lint fmt demo demo-down dashboards-pictures clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-19s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build the static programs bin/gluster-setup and bin/gluster_exporter
	@hack/build

packages: ## build deb and rpm packages for amd64 and arm64 into dist/
	@hack/packages

collection: ## build the Ansible collection, bin/brickyard-gluster-VERSION.tar.gz
	@hack/collection

test: ## install what is missing and run what a change can break, on Debian 12 (root, some 25 to 30 minutes)
	@hack/test

test-all: ## that and the rest: Debian 11 and 13, rules as they are, all power cuts; resumable (root, hours)
	@hack/test --all

test-unit: ## Go tests with the race detector, without clusters
	@hack/test build unit

test-molecule: ## the Molecule scenarios on systemd hosts (root)
	@hack/test install build images molecule

test-power: ## power cuts of virtual machines in every mode, and with the articles' recipe; takes some two hours (root)
	@hack/power

detection: ## measure how soon alerts fire, with the rules as they are (root, 1.5 hours)
	@hack/test install build images detection

bench: ## compare with the command line, a shell and Ansible, on live clusters (root)
	@hack/bench

lint: ## golangci-lint, govulncheck, shellcheck, yamllint, ansible-lint
	@hack/lint

fmt: ## format the Go code
	@hack/lint fmt

demo: ## run the cache cluster on four hosts of this machine (root)
	@hack/demo up

demo-down: ## remove the demo's hosts
	@hack/demo down

dashboards-pictures: ## pictures of the dashboards, of the demo well and broken, into .cache/pictures (root)
	@hack/pictures take

clean: ## remove this checkout's test hosts and everything built
	@hack/clean
