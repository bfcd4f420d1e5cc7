"""The stand-in centre's commands in the hands of somebody who mistypes."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from centre import handover
from centre.__main__ import main
from centre.keys import open_or_make_keys
from tests.delivery_kit import make_kit


@pytest.fixture
def kit(tmp_path):
    """A centre that knows one station."""
    return make_kit(tmp_path)


@pytest.mark.parametrize(
    "words", ["fingerprint", "renew seal", "deny x", "register x", "know x", "incidents x"]
)
def test_a_mistyped_folder_does_not_become_a_centre(tmp_path, capsys, words):
    """Its fingerprint would be read aloud, and another root be pinned for good."""
    command, *rest = words.split()
    wrong = tmp_path / "wrong"

    assert main([command, str(wrong), *rest]) == 2
    assert "is no centre's folder" in capsys.readouterr().err
    assert not wrong.exists()


def test_a_stick_that_is_named_as_the_centre_is_left_alone(kit, tmp_path):
    """Stick and centre swapped: every package would have been called bad, and renamed."""
    stick = tmp_path / "stick"
    stick.mkdir()
    said = CliRunner().invoke(handover.main, [str(kit.folder), "--centre", str(stick)])

    assert said.exit_code == 2
    assert "is no centre's folder" in said.output
    assert not list(stick.iterdir())


@pytest.mark.parametrize("content", [b"", b"-----BEGIN CERTIFICATE REQUEST-----", b"{}", b"\xff"])
def test_what_is_no_card_is_called_so_and_by_its_name(tmp_path, capsys, content):
    """The request lies beside the card and is easily taken for it."""
    open_or_make_keys(tmp_path)
    (tmp_path / "card").write_bytes(content)

    assert main(["register", str(tmp_path), str(tmp_path / "card")]) == 2
    assert f"{tmp_path / 'card'} is no card of a station" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(tmp_path, capsys):
    """In words, without the number of an error."""
    open_or_make_keys(tmp_path)

    assert main(["register", str(tmp_path), str(tmp_path / "card")]) == 2
    said = capsys.readouterr().err
    assert str(tmp_path / "card") in said
    assert "Errno" not in said


def test_no_incident_is_said_and_a_stranger_has_none(tmp_path, capsys):
    """An empty line would leave open whether anybody looked."""
    open_or_make_keys(tmp_path)
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    (tmp_path / "card").write_text(json.dumps({"v": 1, "station_id": "st-000007", "keys": [jwk]}))

    assert main(["register", str(tmp_path), str(tmp_path / "card")]) == 0
    assert main(["incidents", str(tmp_path), "st-000007"]) == 0
    assert capsys.readouterr().out == "st-000007\nnone\n"
    assert main(["incidents", str(tmp_path), "st-000008"]) == 2
    assert "No station st-000008" in capsys.readouterr().err
