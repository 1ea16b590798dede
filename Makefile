# make demo [IMAGE=noisy.tif] [REFERENCE=clean.tif]   the main job, then napari with the results
# make test                                           all tests
# make check                                          lint, types, import contracts, manifest
# make setup                                          what both call; leaves .venv/bin/napari-denoise
.PHONY: setup demo test check docs clean
python = .venv/bin/python
# Without a display the demo shows its window as a picture.
ifeq ($(shell uname)$(DISPLAY)$(WAYLAND_DISPLAY),Linux)
screenshot = --screenshot demo-output/napari-denoise.png
endif

setup:
	@tools/setup.sh

demo: setup
	@tools/with-display.sh $(python) examples/demo.py \
		$(if $(IMAGE),"$(IMAGE)") $(if $(REFERENCE),--reference "$(REFERENCE)") \
		$(screenshot)

test: setup
# Whole files to a process: their fixtures, such as trained models, are made once.
	$(python) -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile \
		--cov --cov-fail-under=95

check: setup
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/npe2 validate napari-denoise

docs: setup
	$(python) -m pip install --quiet --editable '.[docs]'
	$(python) tools/make_reference.py
	.venv/bin/mkdocs build --strict

clean:
	rm -rf .venv demo-output dist site
