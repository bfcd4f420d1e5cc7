"""The commands of docs/content.md, run as they stand, and limits that must not differ from it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from edge.service import drawing, pack, pictures, sealed_pack, words
from edge.service.idle import CARD_S
from tests.content_kit import open_office
from tests.test_content_shelf import settings_of

CHECKOUT = Path(__file__).resolve().parent.parent
NAMED = "anti_fraud, issue 2 (2026-12/1), valid 2026-01-01 to 2036-12-31"
SAID = f"""\
4 files
{NAMED} can be installed.
{NAMED} is installed.
{NAMED}
PACK was not installed: lines.en.toml was changed after it was signed. Nothing changed.
ends with 2
"""


@pytest.fixture(scope="module")
def page() -> str:
    return (CHECKOUT / "docs" / "content.md").read_text(encoding="utf-8")


def test_the_commands_do_what_the_page_says(page, tmp_path):
    """Whoever copies them has made, signed and installed a pack, and seen one refused."""
    office = open_office(tmp_path)
    made = tmp_path / "made"
    done = subprocess.run(
        ["bash", "-eu"], input="".join(re.findall(r"(?ms)^```sh\n(.*?)^```", page)),
        capture_output=True, text=True, timeout=120, cwd=CHECKOUT, check=False,
        env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "PACK": str(made),
             "CENTRE": str(office.centre), "SETTINGS": str(settings_of(office)),
             "HOME": os.environ.get("HOME", "/")},
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.replace(str(made), "PACK") == SAID


def test_the_limits_are_those_of_the_page(page):
    """An author reads them there and nowhere else."""
    said = (
        f"{words.HANZI_IN_TITLE} hanzi or {words.WORDS_IN_TITLE} words",
        f"{words.HANZI_IN_SENTENCE} hanzi or {words.WORDS_IN_SENTENCE} words, four sentences",
        ", ".join(sorted(pack.PUBLIC_NUMBERS, key=lambda one: (len(one), one))),
        f"{drawing.BYTES_MAX >> 10} KiB, {drawing.PIECES_MAX} pieces and {drawing.CORNERS_MAX} up",
        f"{pictures.SIDE_PX_MAX} px a side, {sealed_pack.FILE_BYTES_MAX >> 20} MiB",
        f"{sealed_pack.FILES_MAX} files, {sealed_pack.PACK_BYTES_MAX >> 20} MiB",
        f"for {CARD_S:.0f} s",
    )

    assert words.SENTENCES == 4
    assert [one for one in said if one not in page] == []
