"""`docs/security.md` says what is so: scopes, settings, limits, and the command for a pin."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from api.kiosk.pages import EVENT_STREAMS, PREVIEW_STREAMS
from api.listener import PER_ADDRESS, QUEUE_SIZE, Limits
from api.v1.scopes import ALL_SCOPES
from edge.door_sections import V1
from proofs.trespassing.authority import Ca, pin_of

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "security.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """The page's code of this language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_names_every_scope_and_no_other():
    """Who writes a client's row finds all that there is."""
    assert set(re.findall(r"(?m)^\| `([a-z-]+:[a-z]+)` \|", PAGE)) == ALL_SCOPES


def test_the_page_s_settings_are_settings():
    """What stands there can be copied."""
    v1 = V1.model_validate(tomllib.loads(blocks("toml")[0])["v1"])

    assert v1.network
    assert [client.name for client in v1.clients] == ["collector", "orders"]


def test_the_page_s_limits_are_the_listener_s():
    """The figures of the table are those of the code."""
    limits = Limits()
    for row in (
        f"| TLS handshake | {limits.handshake_s:g} s |",
        f"from its first byte | {limits.request_s:g} s, and a second for each 16 KiB",
        f"| without a byte | {limits.idle_s:g} s |",
        f"| connections of one address, on a network | {PER_ADDRESS} |",
        f"| connections in all | {limits.total} a listener |",
        f"not whole | {limits.buffered_bytes >> 20} MiB a listener |",
        f"| kept open between requests | {limits.idle} |",
        f"| sending an answer | {limits.answer_s:g} s, and a second for each 16 KiB",
        f"| answers that wait for slow readers | {limits.slow_readers} at once |",
        f"| {EVENT_STREAMS}, {PREVIEW_STREAMS}, 8 (2 a client) |",
        f"not accepted yet holds {QUEUE_SIZE}.",
    ):
        assert row in PAGE
    assert limits.bytes_per_s == 16 * 1024


def test_the_page_s_command_prints_a_client_s_pin(tmp_path: Path):
    """Run as it stands, on a client's certificate."""
    if shutil.which("openssl") is None:
        pytest.skip("NOT TESTED: openssl is not here")
    leaf = Ca(tmp_path, "ca").client("collector")
    leaf.file.rename(tmp_path / "client.pem")
    command = next(block for block in blocks("sh") if "pkey" in block)
    said = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert said.stdout.split()[0] == pin_of(leaf.key)
