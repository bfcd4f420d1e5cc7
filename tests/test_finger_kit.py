"""What a station says of its fingers as it starts: what it cannot make, what its reader may not."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from edge.fingers.kit import open_fingers
from edge.settings import Device, Fingers, SettingsError
from formats.finger import wsq

OURS = {"examiner": "none"}


def reader(tmp_path: Path, model: str) -> Device:
    return Device(id="reader-1", driver="zfm", model=model, options={"port": str(tmp_path / "zfm")})


def opened(device: Device, documents=(), **fingers):
    """The kit, and what was logged."""
    with ExitStack() as stack, capture_logs() as logs:
        kit = open_fingers(Fingers(**OURS, **fingers), device, documents, stack)
    return kit, [row for row in logs if row["event"] == "reader_not_for_enrolment"]


@pytest.mark.parametrize("kind", ["fmr-2005", "wsq"])
def test_a_record_that_the_station_cannot_make_is_refused_as_it_starts(tmp_path, monkeypatch, kind):
    """Not at the first person's first finger."""
    monkeypatch.setattr(wsq, "installed", lambda: False)

    with pytest.raises(SettingsError, match=rf"'{kind}'.* setup fingerprints"):
        opened(reader(tmp_path, "r307"), records=[kind])


def test_what_can_be_made_without_any_extra_may_be_ordered(tmp_path, monkeypatch):
    """Images by the standard need nothing but us."""
    monkeypatch.setattr(wsq, "installed", lambda: False)
    kit, _ = opened(reader(tmp_path, "r307"), records=["fir-2005", "fir-2011"])

    assert kit.records == ("fir-2005", "fir-2011")
    assert {"cn_two_fingers", "index_first"} <= kit.profiles.keys()


@pytest.mark.parametrize(
    ("model", "profile", "documents", "told"),
    [
        ("r503", "cn_two_fingers", (), ["cn_two_fingers"]),
        ("r503", "index_first", (None, "cn_two_fingers"), ["cn_two_fingers"]),
        ("r503", "index_first", (None,), []),
        ("r307", "cn_two_fingers", (), []),
    ],
)
def test_a_reader_that_may_not_enrol_what_is_wanted_is_told_to_the_technician(
    tmp_path, model, profile, documents, told
):
    """Before anybody stands there in vain."""
    _, warned = opened(reader(tmp_path, model), documents, profile=profile)

    assert [row["reason"] for row in warned] == told
