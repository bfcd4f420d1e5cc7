"""The console tells which settings and which version hold, and how the last update ended."""

from __future__ import annotations

from api.technician import upkeep
from edge.upkeep.fault import Fault
from edge.upkeep.notices import Notices
from edge.upkeep.slots import Slots, Update
from tests.technician_kit import AUDITOR, workshop

FAULT = Fault("settings_refused", "/e/station.toml, line 7: no", "/e/station.toml", 7, "2026")


def test_refused_settings_and_an_update_that_fell_back_are_said_with_place_and_remedy(
    tmp_path, monkeypatch
):
    """To an auditor as well; nothing can be changed there."""
    slots = Slots(tmp_path / "opt")
    slots.note(Update("id", "fell_back", "old-1", "new-2", "2.0.0", reason="device_out"))
    monkeypatch.setattr(upkeep, "own_slots", lambda module: (slots, "old-1"))
    with workshop(tmp_path / "workshop", notices=Notices(FAULT)) as opened:
        page = opened.notebook(AUDITOR).sees("/upkeep")
        for words in (
            "上次好的设置", "/e/station.toml, line 7: no", "改好上面这一行",
            "已经自动退回原来的版本", "2.0.0", "device_out",
        ):  # fmt: skip
            assert words in page
        assert "<form" not in page.split("<main")[1].split("</main")[0]


def test_where_all_is_well_it_says_so(tmp_path):
    """No fault, and no update yet."""
    with workshop(tmp_path, notices=Notices()) as opened:
        page = opened.notebook().sees("/upkeep")
        assert "现在用的就是设置文件" in page
        assert "还没有升级过" in page
