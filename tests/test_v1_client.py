"""A puller written from the interface's document and the package's page alone, by nobody of ours.

The client is generated from the committed document, the opener and the puller are the files that
`docs/` gives to a central engineer; both run in an environment that does not have our code.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import subprocess
import sys
import sysconfig
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.tls import server_context
from api.v1.certificates import CertificateIdentity
from docs.opener import Refused, open_package, records
from edge.door_sections import V1Client
from edge.seal import KeptPart, Sealer, package_file
from proofs.trespassing.authority import Ca
from tests.collect_kit import OUTSIDE, SINKS, TOKEN, served
from tests.delivery_kit import STATION, make_kit, new_id

GD_WEST = {"kind": "client", "id": "gd-west"}
DOCS = Path(__file__).parent.parent / "docs"
DOCUMENTED = (ast.Module, ast.FunctionDef, ast.ClassDef)
OURS = {"api", "edge", "drivers", "quality", "formats", "centre", "demo", "tests", "bench"}
# Our own environment's libraries stand behind the outside one's, for HPKE and JWS.
PULL = """
import runpy, sys
home, libraries = sys.argv[1:3]
sys.path[:0] = [home, {docs!r}]
sys.path.append(libraries)
sys.argv = ["puller.py", *sys.argv[3:]]
runpy.run_path({docs!r} + "/puller.py", run_name="__main__")
print(" ".join(sorted({{name.split(".")[0] for name in sys.modules}})))
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory) -> Path:
    """The folder in which the generated client lies."""
    generator = OUTSIDE / "openapi-python-client"
    if not generator.exists():
        pytest.skip("NOT TESTED: openapi-python-client is not here (make outside)")
    home = tmp_path_factory.mktemp("client")
    made = subprocess.run(
        [generator, "generate", "--path", DOCS / "openapi.json", "--config",
         DOCS / "openapi-client.yml", "--output-path", home / "anxin_station", "--meta", "none",
         "--fail-on-warning"],
        cwd=home, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    return home


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    """One station and one centre."""
    return make_kit(tmp_path_factory.mktemp("puller"))


def run_puller(client: Path, kit, folder: Path, url: str, known_by: str = ""):
    """Run the puller outside, to its end."""
    receipt, sealing, token = (folder / name for name in ("receipt.pem", "sealing.pem", "token"))
    receipt.write_bytes(kit.keyring.receipt.as_pem(private=True))
    sealing.write_bytes(kit.keyring.sealing.as_pem(private=True))
    token.write_text(TOKEN)
    card = kit.folder / "centre" / "stations" / f"{STATION}.json"
    return subprocess.run(
        [OUTSIDE / "python", "-c", PULL.format(docs=str(DOCS)), client,
         sysconfig.get_path("purelib"), url, known_by or token, card, sealing, receipt,
         folder / "kept"],
        cwd=folder, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def pull(client: Path, kit, folder: Path, url: str, known_by: str = "") -> tuple[str, set[str]]:
    """Run the puller; returns what it says and which packages of Python it used."""
    run = run_puller(client, kit, folder, url, known_by)
    assert run.returncode == 0, run.stderr
    said, used = run.stdout.splitlines()
    return said, set(used.split())


def test_a_puller_from_the_two_pages_alone_collects_everything(client, kit, tmp_path):
    """Generated client, independent opener, signed receipts: all kept once, none left."""
    parts = (b"portrait" * 4000, b"finger" * 700)
    with served(kit, tmp_path) as station:
        ids = []
        for _ in range(12):
            package_id = kit.fill(station.store, new_id(), parts)
            ids.append(kit.shut(station.store, package_id, SINKS).package_id)
        said, used = pull(client, kit, tmp_path, station.url)
        again, _ = pull(client, kit, tmp_path, station.url)
        states = {station.store.package(package_id).state for package_id in ids}
        waiting = [station.store.waiting(sink)[0] for sink in SINKS]

    assert said == "12 packages kept."
    assert again == "0 packages kept."
    assert not used & OURS
    assert {"anxin_station", "opener"} <= used
    assert (states, waiting) == ({"receipted"}, [0, 0])
    for package_id in ids:
        home = tmp_path / "kept" / package_id
        assert (home / "finger" / "a.png").read_bytes() == parts[0]
        assert (home / "finger" / "b.png").read_bytes() == parts[1]
        assert json.loads((home / "manifest.json").read_text())["package_id"] == package_id


def test_the_same_puller_collects_over_the_network_with_its_certificate(client, kit, tmp_path):
    """TLS 1.3 and a client certificate with one scope, as on a network; the leases are its own."""
    clients, servers = Ca(tmp_path, "clients"), Ca(tmp_path, "servers")
    own, server = clients.client("gd-west"), servers.server()
    identity = CertificateIdentity([V1Client(name="gd-west", scopes=("packages:collect",))])
    with served(
        kit, tmp_path, identity, server_context(server.file, server.file, clients.file)
    ) as station:
        row = kit.hand_in(station.store, sinks=SINKS)
        known_by = f"{own.file}:{servers.file}"
        said, _ = pull(client, kit, tmp_path, station.url, known_by)
        entries = [json.loads(one.entry) for one in station.store.audit_rows()]
        state = station.store.package(row.package_id).state

    assert (said, state) == ("1 packages kept.", "receipted")
    by_client = [one["act"] for one in entries if one["actor"] == GD_WEST]
    assert by_client == ["lease.add", "package.receipt"]


def test_a_puller_that_cannot_open_refuses_and_the_package_stays(client, kit, tmp_path):
    """A package sealed to another centre's key: refused by a signed receipt, set aside, kept."""
    stranger = make_kit(tmp_path / "stranger")
    sealer = Sealer(STATION, kit.station_key, stranger.keys.sealing[0])
    with served(kit, tmp_path) as station:
        row = replace(kit, sealer=sealer).hand_in(station.store, sinks={"pull": "custody"})
        said, _ = pull(client, kit, tmp_path, station.url)
        row = station.store.package(row.package_id)
        sealed = station.store.sealed(row.package_id)

    assert said == "0 packages kept."
    assert (row.state, row.deliveries[0].last_code) == ("quarantined", "kid_unknown")
    assert len(sealed) == row.size


def test_a_puller_whose_receipts_count_for_nothing_says_so(client, kit, tmp_path):
    """With another centre's receipt key: it ends, names the refusal, and the package stays."""
    stranger = make_kit(tmp_path / "stranger").keyring.receipt
    mistaken = replace(kit, keyring=replace(kit.keyring, receipt=stranger))
    with served(kit, tmp_path) as station:
        row = kit.hand_in(station.store, sinks={"pull": "custody"})
        run = run_puller(client, mistaken, tmp_path, station.url)
        state = station.store.package(row.package_id).state

    assert run.returncode == 1
    assert row.package_id in run.stderr
    assert "receipt-invalid" in run.stderr
    assert state == "ready"


@pytest.fixture(scope="module")
def package(kit):
    """One real package, its statement, and the keys that check and open it."""
    with kit.open_store() as store:
        row = kit.hand_in(store)
        content = store.sealed(row.package_id)
    station, sealing = kit.station_key.public, kit.keyring.sealing
    return (
        content, row.statement, {station.thumbprint(): station},
        {sealing.thumbprint(): sealing.private_key},
    )  # fmt: skip


def test_the_opener_opens_what_the_station_sealed(package):
    """Manifest and every part, under their names."""
    manifest, parts = open_package(*package)

    assert [row["name"] for row in manifest["parts"]] == list(parts)
    assert parts == {"finger/a.png": b"portrait" * 500, "finger/b.png": b"finger" * 300}


def test_a_record_that_leads_backwards_ends_the_opener():
    """A size below nothing would be read for ever."""
    header = b'{"size":-16}'
    record = len(header).to_bytes(4, "big") + header
    with pytest.raises(Refused, match="record_cut"):
        list(islice(records(b"ANXPKG1\n" + record + bytes(100)), 3))


def test_the_opener_is_short_enough_to_be_read():
    """65 lines of code at most, and nothing but two well-known libraries."""
    source = (DOCS / "opener.py").read_text(encoding="utf-8")
    tree = ast.parse(source)
    said = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(
            node
        ):
            said |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    lines = enumerate(source.splitlines(), 1)
    code = [line for n, line in lines if line.strip() and n not in said]
    used = {
        name.split(".")[0]
        for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else
                     [each.name for each in node.names])
    }  # fmt: skip

    assert len(code) <= 65
    assert used - sys.stdlib_module_names == {"cryptography", "joserfc"}


LIES = {
    "record_digest": {"record_sha256": "0" * 64},
    "part_digest": {"sha256": "0" * 64},
    "part_missing": {"n": 5},
    "part_name": {"name": "../../etc/passwd"},
}


@pytest.mark.parametrize("code", sorted(LIES))
def test_a_manifest_that_lies_about_a_part_is_found_out(kit, code):
    """Truly signed and sealed by the station, and still not believed: each row is held to bytes."""
    package_id = new_id()
    part = kit.sealer.part(package_id, 0, "finger/a.png", "image/png", b"print", {})
    kept = KeptPart(0, part.name, part.media_type, part.size, part.sha256,
                    hashlib.sha256(part.record).hexdigest(), {})  # fmt: skip
    fields = {"sitting_id": "s", "result": "accepted", "previous": None}
    keys = ({kit.station_key.kid: kit.station_key.public},
            {kit.keyring.sealing.thumbprint(): kit.keyring.sealing.private_key})  # fmt: skip

    def made(row):
        manifest = kit.sealer.manifest(package_id, 1, fields, [row])
        content = package_file([part.record, manifest])
        said = {"v": 1, "package_id": package_id, "station_id": STATION,
                "kid": kit.sealer.sealing_key.kid, **restated(content)}  # fmt: skip
        return content, kit.station_key.sign_jws(json.dumps(said).encode(), "anxin-seal+jws")

    assert open_package(*made(kept), *keys)[1] == {"finger/a.png": b"print"}
    with pytest.raises(Refused, match=code):
        open_package(*made(replace(kept, **LIES[code])), *keys)


def restated(content):
    """The same statement would name other bytes: the digest is not what is tried here."""
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return {"digest": f"sha-256=:{digest}:", "size": len(content)}


@settings(max_examples=150, deadline=None)
@given(place=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_no_changed_bit_passes_the_opener(kit, package, place, bit):
    """Also where the statement is made for the changed file: every byte of it counts."""
    content, statement, stations, sealing = package
    changed = bytearray(content)
    changed[place % len(content)] ^= 1 << bit
    said = json.loads(base64.urlsafe_b64decode(statement.split(".")[1] + "=="))
    resigned = kit.station_key.sign_jws(
        json.dumps({**said, **restated(bytes(changed))}).encode(), "anxin-seal+jws"
    )
    for token in (statement, resigned):
        with pytest.raises(Refused):
            open_package(bytes(changed), token, stations, sealing)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.large_base_example])
@given(tail=st.binary(max_size=300), kept=st.integers(0, 400))
def test_whatever_lies_in_a_file_the_opener_refuses_in_its_own_words(kit, package, tail, kept):
    """A file that somebody made: no other exception, no endless loop."""
    content, statement, stations, sealing = package
    made = content[:kept] + tail
    said = json.loads(base64.urlsafe_b64decode(statement.split(".")[1] + "=="))
    resigned = kit.station_key.sign_jws(
        json.dumps({**said, **restated(made)}).encode(), "anxin-seal+jws"
    )
    with pytest.raises(Refused):
        open_package(made, resigned, stations, sealing)
