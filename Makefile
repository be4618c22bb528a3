# The front door. Every target is a line or two that calls the field's own tools.

PYTHON  ?= python3
VENV    := .venv
BIN     := $(VENV)/bin
READY   := $(VENV)/.ready
TOOLS   := .cache/tools
LAB     := $(CURDIR)/.lab
# emulated, or real: etcd, kube-apiserver and kube-controller-manager (built once, about a quarter of an hour).
CONTROL_PLANE ?= emulated
# own, or istio: istiod configures the proxies (built once, some minutes); needs CONTROL_PLANE=real.
MESH    ?= own
PLAY    := $(BIN)/ansible-playbook
LINK    := .ansible/collections/ansible_collections/asm/lanes

export PATH := $(CURDIR)/$(BIN):$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
export ANSIBLE_HOME := $(CURDIR)/.ansible
# Scenarios that run here; kind and ack need what only their user has.
export MOLECULE_GLOB := molecule/{default,custom}/molecule.yml
# Company networks often bring a certificate authority of their own: trust what the system trusts.
export UV_SYSTEM_CERTS := 1
# Proxies of the outside world have no business between the parts of a lab on loopback.
export NO_PROXY := localhost,127.0.0.0/8
export no_proxy := $(NO_PROXY)

.PHONY: help demo demo-down lab lab-down binaries-emulated binaries-real test test-full test-real test-istio lint matrix bench bench-proof \
  docs tools format lock clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */\1\t/' | expand -t 12

demo: lab  ## prepare, start the lab, replay the guide on it, prove the lanes; leaves reports/
	@$(PLAY) -i $(LAB)/inventory.yml asm.lanes.site -e asm_lanes_report_dir=$(CURDIR)/reports

demo-down: lab-down  ## stop everything that demo started, leave nothing behind

lab: $(READY) binaries-$(CONTROL_PLANE)  ## start the lab only; CONTROL_PLANE=real for real API servers, and MESH=istio for istiod
	@$(PLAY) asm.lanes.lab -e lab_state=started -e lab_state_dir=$(LAB) -e lab_control_plane=$(CONTROL_PLANE) -e lab_mesh=$(MESH)

binaries-emulated:
binaries-real: $(READY)  # here rather than in the playbook, so that its progress is seen
	@PYTHONPATH=roles/lab/files $(BIN)/python -m asm_lanes_lab binaries --mesh $(MESH)

lab-down: $(READY)  ## stop the lab
	@$(PLAY) asm.lanes.lab -e lab_state=stopped -e lab_purge=true -e lab_state_dir=$(LAB)

test: $(READY) $(TOOLS)/.ready  ## everything: lint, unit, integration, sanity, package, molecule
	@$(BIN)/python tests/run.py

test-full: $(READY) $(TOOLS)/.ready  ## what `test` leaves out or takes a part of, at full length
	@$(BIN)/python tests/run.py full

test-real: $(READY) binaries-real  ## what must also hold on etcd and real kube-apiservers (built once)
	@CONTROL_PLANE=real $(BIN)/python tests/run.py real

test-istio: $(READY)  ## the guide on istiod, and the lab's mesh against it (built once)
	@$(MAKE) --no-print-directory binaries-real MESH=istio
	@$(BIN)/python tests/run.py istio

lint: $(READY)  ## the fast checks only
	@$(BIN)/python tests/run.py lint

matrix: $(READY)  ## smoke test on every Python and ansible-core that the machine has
	@$(BIN)/python tests/matrix.py

bench: $(READY)  ## the replay against a script and the usual way; growth with lanes, groups and meshes; ratios
	@$(BIN)/python tests/bench/replay.py
	@$(BIN)/python tests/bench/lanes.py
	@$(BIN)/python tests/bench/scale.py
	@$(BIN)/python tests/bench/push.py

bench-proof: $(READY)  ## 3 lanes x 200 messages, 1,000 sockets at once: time, CPU, memory
	@$(BIN)/python tests/bench/proof.py

docs: $(READY) $(TOOLS)/.ready  ## the documentation site in .cache/docs, links checked
	@$(BIN)/python tests/run.py docs

tools: $(READY) $(TOOLS)/.ready  ## the second environment: ansible-builder, -runner, -rulebook, documentation, importer

format: $(READY)  ## rewrite the Python files in the project's form
	@$(BIN)/ruff check --fix-only --quiet . ; $(BIN)/ruff format .

lock: $(READY)  ## pin the newest versions that pyproject.toml allows
	@$(BIN)/uv pip compile --quiet --upgrade --universal --no-header \
	  --group demo --group test pyproject.toml -o requirements-dev.txt
	@$(BIN)/uv pip compile --quiet --upgrade --universal --no-header \
	  --group tools pyproject.toml -o requirements-tools.txt

clean: ## remove everything that make has made
	rm -rf .ansible .cache .lab $(VENV) reports

# The environment: uv installs the pinned tools, the checkout becomes a collection in
# place. Python files are compiled once, for uv does not and every later start would pay.
$(READY): requirements-dev.txt
	@echo "Preparing $(VENV) (once, about half a minute) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	@test -x $(BIN)/uv || { $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --disable-pip-version-check uv; }
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements-dev.txt
	@$(BIN)/python -m compileall -q -j0 -x ansible_collections $(VENV)/lib || true
	@mkdir -p $(dir $(LINK)) && ln -sfnT ../../../.. $(LINK)
	@touch $@

$(TOOLS)/.ready: requirements-tools.txt $(READY)
	@echo "Preparing $(TOOLS) (once) ..."
	@$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(TOOLS)
	@$(BIN)/uv pip install --quiet --python $(TOOLS)/bin/python -r requirements-tools.txt
	@touch $@
