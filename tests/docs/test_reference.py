"""The reference page lists what is public: all of it, and nothing else."""

import re
from importlib import import_module

import make_reference

import napari_denoise


def test_the_reference_is_what_its_program_writes():
    """Where this fails: python tools/make_reference.py."""
    assert make_reference.PAGE.read_text(encoding="utf-8") == make_reference.reference()


def test_the_reference_has_every_public_name_and_no_other():
    entries = re.findall(r"^::: (.+)$", make_reference.reference(), flags=re.MULTILINE)
    public = [getattr(napari_denoise, name) for name in napari_denoise.__all__]
    listed = []
    for entry in entries:
        module, _, name = entry.rpartition(".")
        listed.append(getattr(import_module(module), name))
    assert len(listed) == len(public)
    assert {id(thing) for thing in listed} == {id(thing) for thing in public}
