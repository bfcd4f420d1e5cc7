"""What docs/install.md, the unit and the example settings must agree on before a service starts."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from edge.vision.models import ModelUnfit, check_model
from setup.files import LISTS

CHECKOUT = Path(__file__).resolve().parent.parent
PAGE = (CHECKOUT / "docs" / "install.md").read_text(encoding="utf-8")
UNIT = (CHECKOUT / "firmware_configs" / "systemd" / "anxin-station.service").read_text("utf-8")
EXAMPLE = CHECKOUT / "firmware_configs" / "stations" / "kiosk.toml"


def test_the_example_looks_for_models_where_set_up_puts_them():
    """Seen from the folder that the unit starts in, which is the release's own."""
    vision = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))["vision"]
    folder = next(to for to, names in LISTS.items() if names.name == "models.toml")

    assert "WorkingDirectory=/opt/anxin-station/current\n" in UNIT
    assert {Path(file).parent for file in vision.values()} == {folder.relative_to(CHECKOUT)}


def test_a_technician_at_the_command_line_has_the_groups_that_the_unit_has():
    """Without `tss` a station with a TPM would be provisioned with a key in a file."""
    unit = re.search(r"^SupplementaryGroups=(.*)$", UNIT, re.MULTILINE)
    page = re.search(r"^usermod -aG (\S+) anxin-station$", PAGE, re.MULTILINE)

    assert unit
    assert page
    assert set(page[1].split(",")) == set(unit[1].split())
    # systemd starts no service with a group that is not there; this package makes `tss`.
    assert PAGE.index("tpm2-tools") < page.start()


def test_a_model_that_is_not_there_is_refused_with_what_brings_it(tmp_path):
    """The first start of a new machine is where this is read."""
    with pytest.raises(ModelUnfit, match=r"m\.task .*setup run"):
        check_model(tmp_path / "m.task", "00")
