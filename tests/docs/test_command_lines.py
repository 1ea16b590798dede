"""The command lines of the documents name commands and options that there are."""

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from napari_denoise.cli import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINES = {
    line: path.name
    for path in PAGES
    for block in re.findall(r"```sh\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
    for line in block.splitlines()
    if line.startswith("napari-denoise ")
}


def test_the_documents_have_command_lines():
    assert len(LINES) > 20


@pytest.mark.parametrize("line", LINES)
def test_a_command_line_can_be_parsed(line):
    _, name, *arguments = shlex.split(line)
    command = get_command(app).commands[name]
    command.make_context(name, arguments, resilient_parsing=False)
