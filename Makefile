# `make help` lists the verbs. Python 3.11+ and a network are all that must be there.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT_OFFSET ?= 0
PORTS = $(if $(filter-out 0,$(PORT_OFFSET)),--port-offset $(PORT_OFFSET))
FOLDERS := api benchmarks connectors data_generator examples grafana stack subscriber tests

.DEFAULT_GOAL := help
.PHONY: help demo stack up down logs ps source-db-connection target-db-connection monitoring-db-connection users cache archive-ls request applications drift-report images test test-servers bench-cache bench-tasks bench bench-profile soak bench-quick chaos audit check format clean lock

help: ## List the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-25s %s\n", $$1, $$2}'

demo: $(VENV)/.demo ## Run everything: rows become predictions (FOR=30 seconds, RATE=200 rows/s, IMAGES=1 images/s, APPLICATIONS=1 applications/s, DRIFT=0.5, PORT_OFFSET=0)
	@$(BIN)/python -m stack demo $(PORTS) $(if $(FOR),--for $(FOR)) $(if $(RATE),--rate $(RATE)) $(if $(IMAGES),--images $(IMAGES)) \
	  $(if $(APPLICATIONS),--applications $(APPLICATIONS)) $(if $(DRIFT),--drift $(DRIFT))

stack: $(VENV)/.demo ## Run the servers alone and print their addresses (PORT_OFFSET=0)
	@$(BIN)/python -m stack servers $(PORTS)

up: ## Build and start everything in Docker, and print where it is (RATE=200 rows/s, DRIFT=0.5; settings in .env)
	@docker compose up --detach --build --wait
	@echo "Grafana          http://127.0.0.1:$${GRAFANA_PORT:-3000}  (dashboarduser, dashboardpassword)"
	@echo "model API        http://127.0.0.1:$${API_PORT:-8000}/docs"
	@echo "console          http://127.0.0.1:$${SUBSCRIBER_PORT:-8001}"
	@printf 'tasks            http://127.0.0.1:%s/tasks/  (user demo, ' "$${API_PORT:-8000}"; \
	  if made=$$(docker compose exec -T api-with-model sh -c 'python -m api.users add demo --generate 2>&1'); then \
	    echo "password $$(echo "$$made" | tail -n 1))"; \
	  elif [ $$? = 3 ]; then \
	    echo 'password as printed at the first start; make users ARGS="password demo --generate" gives another)'; \
	  else echo "which cannot be made: $$made)"; exit 1; fi
	@echo "make logs, make ps, make target-db-connection look at it; make down stops it, make clean forgets it"

down: ## Stop what runs in Docker; its data stays
	@docker compose down --remove-orphans

logs: ## Follow the logs in Docker (SERVICE=data-subscriber for one)
	@docker compose logs --follow --tail 100 $(SERVICE)

ps: ## List what runs in Docker, with its health
	@docker compose ps --all

source-db-connection: ## Open psql in the source database in Docker
	@docker compose exec source-database sh -c 'PGPASSWORD=$$SOURCE_PASSWORD exec psql -h 127.0.0.1 -U $$SOURCE_USER $$POSTGRES_DB'

target-db-connection: ## Open psql in the target database in Docker
	@docker compose exec target-database sh -c 'PGPASSWORD=$$TARGET_PASSWORD exec psql -h 127.0.0.1 -U $$TARGET_USER $$POSTGRES_DB'

monitoring-db-connection: ## Open psql in the monitoring database in Docker
	@docker compose exec target-database sh -c 'PGPASSWORD=$$MONITORING_PASSWORD exec psql -h 127.0.0.1 -U $$MONITORING_USER $$MONITORING_DATABASE'

users: ## Accounts for tasks in Docker (ARGS="list", "add NAME", "password NAME --generate", "remove NAME")
	@docker compose exec api-with-model python -m api.users $(or $(ARGS),--help)

drift-report: .venv-evidently/.installed ## Write an Evidently report of the monitoring database (SINCE=24h REPORT=drift.html)
	@.venv-evidently/bin/python -m api.drift --since $(or $(SINCE),24h) --report $(or $(REPORT),drift.html)

request: $(VENV)/.demo ## Send sample applications for a credit to a running API (COUNT=4, PORT_OFFSET=0)
	@$(BIN)/python -m api.request --url "$${API_URL:-http://127.0.0.1:$$(($${API_PORT:-8000} + $(PORT_OFFSET)))}" \
	  $(if $(COUNT),--count $(COUNT))

applications: $(VENV)/.demo ## Send applications for a credit to a running API until Ctrl-C (RATE=5 a second, COUNT=100, DRIFT=0.5, AGAIN=0.5, PORT_OFFSET=0)
	@API_URL="$${API_URL:-http://127.0.0.1:$$(($${API_PORT:-8000} + $(PORT_OFFSET)))}" $(BIN)/python -m data_generator applications \
	  --rate $(or $(RATE),5) $(if $(COUNT),--count $(COUNT)) $(if $(DRIFT),--drift $(DRIFT)) $(if $(AGAIN),--again $(AGAIN))

images: $(VENV)/.demo ## Send images of digits to a running API (COUNT=20, RATE=0, DRIFT=0.3, LABEL=0.5, PORT_OFFSET=0)
	@API_URL="$${API_URL:-http://127.0.0.1:$$(($${API_PORT:-8000} + $(PORT_OFFSET)))}" $(BIN)/python -m data_generator images \
	  --count $(or $(COUNT),20) --rate $(or $(RATE),0) $(if $(DRIFT),--drift $(DRIFT)) $(if $(LABEL),--label $(LABEL))

cache: ## Open valkey-cli in the cache in Docker (info memory; scan 0; hgetall KEY; flushdb forgets every answer)
	@docker compose exec cache sh -c 'exec valkey-cli --no-auth-warning --user $$CACHE_USER'

archive-ls: $(VENV)/.demo ## List what is in the archive of images, with its tags (PREFIX=class_07 LIMIT=50, PORT_OFFSET=0)
	@set -a; [ -n "$$ARCHIVE_ENDPOINT" ] || eval "$$($(BIN)/python -m stack environment $(PORTS))"; set +a; \
	  $(BIN)/python -m api.archive.listing $(PREFIX) $(if $(LIMIT),--limit $(LIMIT))

test: $(VENV)/.dev ## Run every test on real servers (ARGS=tests/unit; STACK=docker takes the servers from testcontainers)
	@$(BIN)/python -m pytest $(ARGS)

test-servers: $(VENV)/.dev .venv-mlserver/.installed ## Run the tests about other model servers (MLServer, in an environment of its own)
	@MLSERVER=$(CURDIR)/.venv-mlserver/bin $(BIN)/python -m pytest -m servers $(ARGS)

bench-cache: $(VENV)/.dev ## Measure answers with and without the cache, and its memory (ARGS=--requests=6000)
	@$(BIN)/python -m benchmarks.cache $(ARGS)

bench-tasks: $(VENV)/.dev ## Measure a task of a million rows, and small ones beside it (ARGS=--rows=100000)
	@$(BIN)/python -m benchmarks.tasks $(ARGS)

bench: $(VENV)/.dev .venv-bench/.installed ## Measure everything that docs/benchmarks.md shows, and write it there (ARGS="peers freshness --rounds 5" for some)
	@$(BIN)/python -m benchmarks $(ARGS)
	@.venv-bench/bin/python -m benchmarks.report

bench-profile: $(VENV)/.dev .venv-bench/.installed ## Show what the subscriber and the model API do while they work off a backlog
	@$(BIN)/python -m benchmarks.profile $(ARGS)

soak: $(VENV)/.dev .venv-bench/.installed ## Run for an hour at half speed; fails if anything grows (ARGS=--minutes=5)
	@status=0; $(BIN)/python -m benchmarks.soak $(ARGS) || status=$$?; \
	  .venv-bench/bin/python -m benchmarks.report && exit $$status

bench-quick: $(VENV)/.dev ## Print ratios to the plain loop, within three minutes
	@$(BIN)/python -m benchmarks.quick $(ARGS)

chaos: $(VENV)/.dev ## Inject faults by a seed, and prove that no row is lost or doubled (SEED=1 FAULTS=500 MINUTES=30)
	@$(BIN)/python -m tests.chaos --seed $(or $(SEED),1) --faults $(or $(FAULTS),500) $(if $(MINUTES),--minutes $(MINUTES)) $(ARGS)

audit: $(VENV)/.dev .venv-audit/.installed ## Check pins, hashes and licences of every package, and write bills of materials (ONLINE=1 asks for known vulnerabilities too)
	@$(BIN)/python -m stack.audit --tools .venv-audit/bin $(if $(ONLINE),--online)

check: $(VENV)/.dev ## Lint, format, types, and the links in the documents
	@$(BIN)/ruff check $(FOLDERS)
	@$(BIN)/ruff format --check $(FOLDERS)
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/unit/docs

format: $(VENV)/.dev ## Format the code
	@$(BIN)/ruff check --fix $(FOLDERS)
	@$(BIN)/ruff format $(FOLDERS)

clean: ## Forget the state: databases, topics, logs, in Docker too (downloads and images stay)
	@if [ -n "$$(docker volume ls -q --filter label=com.docker.compose.project=stream-serving 2>/dev/null)" ]; then \
	  docker compose down --volumes --remove-orphans; fi
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m stack clean; fi
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis

lock: $(VENV)/.dev ## Pin packages and server artifacts anew, with their hashes (UPGRADE=1 takes the newest packages)
	@PATH="$(BIN):$$PATH" UPGRADE=$(UPGRADE) requirements/compile
	@$(BIN)/python -m stack lock
	@$(BIN)/python -m benchmarks.spark_jars

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "error: $(PYTHON) is not Python 3.11 or newer; make $(MAKECMDGOALS) PYTHON=/path/to/python3.11 names one" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "error: $(PYTHON) cannot make a virtual environment (on Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }

# environments of their own, for packages that no service uses
.venv-%/.installed: requirements/%.txt | $(VENV)/bin/pip
	@echo "installing what is in requirements/$*.txt, into an environment of its own"
	@$(BIN)/python -m venv --clear .venv-$*
	@.venv-$*/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $< || { \
	  echo "error: the packages could not be installed: is there a network? Run the same command again to go on" >&2; exit 1; }
	@touch $@

$(VENV)/.demo $(VENV)/.dev: $(VENV)/.%: requirements/%.txt | $(VENV)/bin/pip
	@echo "installing Python packages (requirements/$*.txt)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $< || { \
	  echo "error: the packages could not be installed: is there a network? Run the same command again to go on" >&2; exit 1; }
	@touch $@
