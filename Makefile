.DEFAULT_GOAL := help
.PHONY: help run test lint screenshots down clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Everything from a fresh machine to TaaS at http://127.0.0.1:8000 with a real training in it
	@scripts/run

test: ## Everything that is checked
	@scripts/test

lint: ## Style, types and the direction of imports only
	@scripts/uv sync --quiet --locked
	@scripts/lint

screenshots: ## A picture of every page (light, dark, 390 px) into screenshots/; no cluster needed
	@scripts/packages chromium-headless-shell
	@scripts/uv sync --quiet --locked
	@scripts/uv run --no-sync python -m tests.gallery screenshots

down: ## Take down the local cluster and all it set up on this machine; records and builds stay
	@python3 -m deploy.local down --name run

clean: down ## `make down`, and forget what TaaS kept here: database, logs, models, accounts
	@rm -rf .taas .venv .mypy_cache .ruff_cache .pytest_cache
	@python3 -m deploy.local down --name run --purge
