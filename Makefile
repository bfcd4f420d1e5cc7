# Every target does the set-up it needs first; with all in place that takes a moment.
# The steps are in setup/, one short module each.

PYTHON ?= $(shell command -v python3.11 || echo python3)
ARGS ?=
EXAMPLES ?= 10000
SECONDS ?= 300
# More than the two cores: half of a test's time is waiting for a line, a disk or a page.
JOBS ?= 3

.PHONY: help run test lint fuzz-vision fuzz-line bench accuracy accuracy-optics proof-line proof-plugs proof-replug soak-vision lock release clean

help:  ## say what there is
	@sed -n 's/^\([a-z-]*\): *## */make \1: /p' Makefile

run:  ## set up and start the demo station
	@$(PYTHON) -m setup run
	@exec .venv/bin/python run_edge.py demo $(ARGS)

test:  ## set up and run the tests, a file at a time in JOBS processes; ARGS goes to pytest
	@$(PYTHON) -m setup test
	@.venv/bin/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint:  ## check format, types and imports
	@$(PYTHON) -m setup test
	@.ci/lint

fuzz-vision:  ## send ten thousand mutated photos through the vision worker; EXAMPLES=n for more
	@$(PYTHON) -m setup test
	@ANXIN_FUZZ_EXAMPLES=$(EXAMPLES) .venv/bin/python -m pytest -o faulthandler_timeout=0 \
		tests/test_vision_fuzz.py $(ARGS)

fuzz-line:  ## look for bytes that break a reader's line, for SECONDS=n in all (default 300)
	@$(PYTHON) -m setup test
	@.venv/bin/python -m tests.fuzz --seconds $(SECONDS)

bench:  ## run every benchmark and write docs/benchmarks.md
	@$(PYTHON) -m setup test
	@.venv/bin/python -m bench all

accuracy:  ## measure on the reference material and write docs/accuracy.md
	@$(PYTHON) -m setup test
	@.venv/bin/python -m accuracy $(ARGS)

accuracy-optics:  ## hold every measure of calibration against a known truth and write docs/calibration-accuracy.md
	@$(PYTHON) -m setup test
	@.venv/bin/python -m accuracy.optics $(ARGS)

proof-line:  ## damage an image on a reader's line in every way and write docs/wire.md; eight minutes
	@$(PYTHON) -m setup test
	@.venv/bin/python -m accuracy.line $(ARGS)

proof-plugs:  ## pull the reader's plug and its network in whole stations; two minutes
	@$(PYTHON) -m setup test
	@ANXIN_LONG=1 .venv/bin/pytest -q tests/station/test_readers.py $(ARGS)

proof-replug:  ## pull camera and reader 200 times in a whole demo station while somebody watches; 25 minutes
	@$(PYTHON) -m setup test
	@.venv/bin/python -m proofs replug --long $(ARGS)

soak-vision:  ## watch the vision worker's memory over ten thousand frames and 300 stills
	@$(PYTHON) -m setup test
	@.venv/bin/python -m bench memory --long

release:  ## pack the committed tree, its packages, their list (CycloneDX) and digests into dist/
	@$(PYTHON) -m setup.release $(ARGS)

lock:  ## compile the lock files; ARGS=--upgrade takes newer versions
	@$(PYTHON) -m setup.lock $(ARGS)

clean:  ## remove what set-up and runs made, the demo's state too
	@rm -rf .venv .cache var

.PHONY: proof
proof:  ## try what is promised of packages, thousands of times, and write docs/reliability.md; ARGS=power for one
	@$(PYTHON) -m setup test
	@.venv/bin/python -m proofs --long $(ARGS)

.PHONY: stories
FOLDER ?= var/stories
stories:  ## tell every story of a sitting in both languages, with a picture of each step in FOLDER
	@$(PYTHON) -m setup test
	@ANXIN_STORIES=$(abspath $(FOLDER)) .venv/bin/python -m pytest tests/stories $(ARGS)

.PHONY: gate screens
gate:  ## hold every screen in every look to what elders need, axe everywhere, and write docs/gate.md; three minutes
	@$(PYTHON) -m setup test
	@.venv/bin/python -m tests.browser.gate

screens:  ## photograph every screen into docs/images/screens and write docs/screens.md
	@$(PYTHON) -m setup test
	@.venv/bin/python -m tests.browser.gate.pictures

.PHONY: proof-update
proof-update:  ## install good and broken releases of this tree through real stations; three minutes
	@$(PYTHON) -m setup test
	@ANXIN_LONG=1 .venv/bin/pytest -q -o faulthandler_timeout=0 tests/station/test_update.py tests/test_upkeep_update.py $(ARGS)
