"""The stand-in centre: takes what holds, refuses what does not, once in effect."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from centre.tls import open_or_make_tls
from edge.delivery.outbox import Outbox
from edge.delivery.pace import Pace
from edge.seal import Closing, Sealer, digest_of, statement_payload
from edge.sinks.load import open_sink
from edge.trust.keys import StationKey
from tests.delivery_kit import SINK, STATION, make_kit, new_id, until

MEDIA = "application/vnd.anxin.package"


@pytest.fixture
def kit(tmp_path):
    return make_kit(tmp_path)


@pytest.fixture
def sent(kit):
    """A closed package: its row and its file."""
    with kit.open_store() as store:
        row = kit.hand_in(store)
        yield row, store.sealed(row.package_id)


def put(kit, package_id, content, statement, **headers):
    fields = {
        "Content-Digest": digest_of(content), "If-None-Match": "*", "Anxin-Seal": statement,
        "Content-Type": MEDIA, **{k.replace("_", "-"): v for k, v in headers.items()},
    }  # fmt: skip
    client = kit.application.test_client()
    return client.put(f"/ingest/v1/packages/{package_id}", data=content, headers=fields)


def ask(kit, package_id):
    return kit.application.test_client().get(f"/ingest/v1/packages/{package_id}/receipt")


def restated(kit, row, content, sealer=None, **changed):
    """A true statement of this station over other bytes: what a faulty station would sign."""
    said = Closing(
        package_id=row.package_id, station_id=STATION, sequence=1, previous=None,
        digest=digest_of(content), size=len(content), sealed_at="2026-11-22T01:00:00.000Z",
        kid=row.kid, audit_n=1, audit_head="00",
    )  # fmt: skip
    sealer = sealer or kit.sealer
    payload = statement_payload(replace(said, **changed))
    return sealer.station_key.sign_jws(payload, "anxin-seal+jws")


def cut(content):
    """The records of a file, whole."""
    at, records = 8, []
    while at < len(content):
        (length,) = struct.unpack_from(">I", content, at)
        end = at + 4 + length + json.loads(content[at + 4 : at + 4 + length])["size"]
        records.append(content[at:end])
        at = end
    return records


def joined(records):
    return b"ANXPKG1\n" + b"".join(records)


def refusal(answer):
    assert answer.status_code == 422, answer.data
    assert answer.mimetype == "application/problem+json"
    return answer.json["code"]


def test_what_was_captured_arrives_bit_for_bit(kit, sent):
    """Opened parts under their names, the manifest, the statement and the receipt."""
    row, content = sent
    answer = put(kit, row.package_id, content, row.statement)
    folder = kit.folder / "centre" / "packages" / row.package_id
    manifest = json.loads((folder / "manifest.json").read_text())

    assert (answer.status_code, answer.mimetype) == (201, "application/jose")
    assert (folder / "parts" / "finger" / "a.png").read_bytes() == b"portrait" * 500
    assert [part["name"] for part in manifest["parts"]] == ["finger/a.png", "finger/b.png"]
    receipt = kit.verifier.verify(answer.text, row.package_id, row.digest, row.size)
    assert receipt.outcome == "stored"
    assert ask(kit, row.package_id).text == answer.text


def test_the_same_package_again_is_one_effect(kit, sent):
    """412 to a conditional PUT, the same receipt to an unconditional one."""
    row, content = sent
    first = put(kit, row.package_id, content, row.statement).text

    assert put(kit, row.package_id, content, row.statement).status_code == 412
    again = put(kit, row.package_id, content, row.statement, If_None_Match="")
    assert (again.status_code, again.text) == (200, first)
    assert len(list(kit.shelf.listing())) == 1


def test_many_at_once_are_one_effect(kit, sent):
    """However many requests carry it at the same instant, there is one package and one receipt."""
    row, content = sent
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: put(kit, row.package_id, content, row.statement), range(8))
        )

    assert sorted(answer.status_code for answer in answers) == [201] + [412] * 7


def test_other_bytes_under_the_same_id_are_a_conflict(kit, sent):
    """409: never overwritten, never receipted."""
    row, content = sent
    put(kit, row.package_id, content, row.statement)
    other = joined(reversed(cut(content)))
    answer = put(kit, row.package_id, other, restated(kit, row, other))

    assert answer.status_code == 409
    assert answer.json["type"] == "urn:anxin:problem:digest-conflict"


@given(st.data())
@settings(
    deadline=None,
    max_examples=80,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_changed_bit_anywhere_is_refused(kit, sent, data):
    """On the line: by the digest. Signed by the station itself: by seal or manifest."""
    row, content = sent
    changed = bytearray(content)
    changed[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    changed = bytes(changed)

    assert put(kit, row.package_id, changed, row.statement).status_code == 422
    refusal(put(kit, row.package_id, changed, restated(kit, row, changed)))
    assert list(kit.shelf.listing()) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda records: records[1:], "part_missing"),
        (lambda records: [*records[:1], *records[2:]], "part_missing"),
        (lambda records: [records[1], records[0], records[2]], "record_order"),
        (lambda records: [records[0], records[0], records[2]], "record_order"),
        (lambda records: records[:2], "record_order"),
        (lambda records: [records[2], *records[:2]], "record_order"),
        (lambda records: [], "record_cut"),
        (lambda records: [*records[:2], records[2][:-1]], "record_cut"),
        (lambda records: [*records, b"\0\0\0"], "record_cut"),
        (lambda records: [*records, b"\xff\xff\xff\xff{}"], "record_cut"),
    ],
    ids=["first-missing", "second-missing", "swapped", "doubled", "no-manifest", "manifest-first",
         "empty", "cut", "trailing", "huge-header"],
)  # fmt: skip
def test_a_package_that_is_not_whole_is_refused(kit, sent, change, code):
    """Even if the station signs for it: a missing, doubled, swapped or cut record is named."""
    row, content = sent
    changed = joined(change(cut(content)))

    assert refusal(put(kit, row.package_id, changed, restated(kit, row, changed))) == code


def test_a_part_of_another_package_is_refused(kit, sent):
    """A record cannot be moved: the header is part of the key schedule."""
    row, content = sent
    header = json.dumps({**_header(cut(content)[0]), "package_id": new_id()}).encode()
    moved = struct.pack(">I", len(header)) + header + cut(content)[0][4 + _length(content) :]
    changed = joined([moved, *cut(content)[1:]])

    assert refusal(put(kit, row.package_id, changed, restated(kit, row, changed))) == "record_ids"


def _length(content):
    return struct.unpack_from(">I", content, 8)[0]


def _header(record):
    return json.loads(record[4 : 4 + struct.unpack_from(">I", record)[0]])


@pytest.mark.parametrize(
    ("member", "value", "code"),
    [("kid", "another", "record_ids"), ("kem", 16, "suite"), ("v", 2, "record_header"),
     ("n", "0", "record_header"), ("kind", "manifest", "record_order")],
)  # fmt: skip
def test_a_header_that_says_anything_else_is_refused(kit, sent, member, value, code):
    """Every member of the header is checked."""
    row, content = sent
    first, *others = cut(content)
    header = json.dumps({**_header(first), member: value}).encode()
    changed = joined(
        [struct.pack(">I", len(header)) + header + first[4 + _length(content) :], *others]
    )

    assert refusal(put(kit, row.package_id, changed, restated(kit, row, changed))) == code


def test_a_replaced_part_is_refused(kit, sent):
    """Sealing is open to anybody who knows the public key; the signed manifest is not."""
    row, content = sent
    _, *others = cut(content)
    forged = kit.sealer.part(row.package_id, 0, "finger/a.png", "image/png", b"someone else").record
    changed = joined([forged, *others])
    answer = put(kit, row.package_id, changed, restated(kit, row, changed))

    assert refusal(answer) == "record_digest"


@pytest.mark.parametrize(
    "name", ["../x.png", "/etc/passwd", "a/b/c.png", ".hidden", "finger/", "", "A.png", "x" * 200]
)
def test_a_name_that_could_leave_the_folder_is_refused(kit, name):
    """Names become files here."""
    with kit.open_store() as store:
        package_id = kit.fill(store, new_id(), ())
        store.add_part(package_id, kit.sealer.part(package_id, 0, name, "image/png", b"x"))
        row = kit.shut(store, package_id)
        answer = put(kit, package_id, store.sealed(package_id), row.statement)

    assert refusal(answer) == "part_name"


def test_a_manifest_by_another_key_is_refused(kit, sent, tmp_path):
    """Inside and outside must be signed by the same registered station."""
    row, content = sent
    stranger = Sealer(STATION, StationKey.open_or_make(tmp_path / "other.pem"), kit.keys.sealing[0])
    fields = {"sitting_id": "s", "result": "accepted", "previous": None}
    manifest = stranger.manifest(row.package_id, 2, fields, [])
    changed = joined([*cut(content)[:2], manifest])
    answer = put(kit, row.package_id, changed, restated(kit, row, changed))

    assert refusal(answer) == "manifest_signature"


def test_a_package_with_two_predecessors_is_refused(kit, sent):
    """What the seal says came before is what the manifest says: no link is bent afterwards."""
    row, content = sent
    other = digest_of(b"another package")
    answer = put(kit, row.package_id, content, restated(kit, row, content, previous=other))

    assert refusal(answer) == "manifest_ids"


def test_a_sample_that_is_not_the_one_of_its_digest_is_refused(kit):
    """Record and size agree, the plain bytes do not: the digest of what was captured is checked."""
    with kit.open_store() as store:
        package_id = kit.fill(store, new_id())
        first, second = store.parts(package_id)
        lie = replace(first, sha256=second.sha256)
        fields = {"sitting_id": "s", "result": "accepted", "previous": None}
        manifest = kit.sealer.manifest(package_id, 2, fields, [lie, second])
        row = kit.shut(store, package_id)
        content = joined([*cut(store.sealed(package_id))[:2], manifest])
        answer = put(kit, package_id, content, restated(kit, row, content))

    assert refusal(answer) == "part_digest"


def test_a_signed_refusal_can_be_asked_for(kit, sent):
    """The station, and whoever looks into it later, learns the code over the centre's signature."""
    row, content = sent
    changed = joined(cut(content)[1:])
    answer = put(kit, row.package_id, changed, restated(kit, row, changed))
    word = ask(kit, row.package_id).text
    receipt = kit.verifier.verify(word, row.package_id, digest_of(changed), len(changed))

    assert word == answer.json["receipt"]
    assert (receipt.outcome, receipt.code) == ("refused", "part_missing")


def test_a_strange_station_is_refused_and_nothing_is_kept(kit, sent, tmp_path):
    """Registration is a file that somebody carried here."""
    row, content = sent
    key = StationKey.open_or_make(tmp_path / "stranger.pem")
    stranger = Sealer(STATION, key, kit.keys.sealing[0])
    forged = restated(kit, row, content, stranger)
    unknown = restated(kit, row, content, stranger, station_id="st-999999")

    assert put(kit, row.package_id, content, forged).json["type"].endswith("signature-invalid")
    assert put(kit, row.package_id, content, unknown).status_code == 403
    assert ask(kit, row.package_id).status_code == 404


@pytest.mark.parametrize("statement", ["", "x", "a.b.c", "e30.e30.e30", "\x7f.\x7f.\x7f"])
def test_a_statement_that_is_none_is_refused(kit, sent, statement):
    """Whatever stands in the header, the answer is a problem, never a crash."""
    row, content = sent
    assert put(kit, row.package_id, content, statement).status_code in {403, 422}


def test_a_statement_about_another_package_or_bytes_is_refused(kit, sent):
    """Id, digest and size of the statement are those of the request."""
    row, content = sent
    lies = [
        put(kit, new_id(), content, row.statement),
        put(kit, row.package_id, content, restated(kit, row, content + b"x")),
        put(kit, row.package_id, content, restated(kit, row, content, size=1)),
        put(kit, row.package_id, content, restated(kit, row, content, digest=digest_of(b""))),
        put(kit, row.package_id, content, row.statement, Content_Digest=digest_of(b"")),
    ]

    assert {answer.status_code for answer in lies} == {422}
    assert "package-refused" not in {answer.json["type"].split(":")[-1] for answer in lies}
    assert list(kit.shelf.listing()) == []


def test_requests_that_are_no_packages_get_their_status(kit, sent):
    """Type, length, id and path are checked before anything is opened."""
    row, content = sent
    client = kit.application.test_client()
    path = f"/ingest/v1/packages/{row.package_id}"

    assert put(kit, row.package_id, content, row.statement, Content_Type="x/y").status_code == 415
    assert put(kit, "not-an-id", content, row.statement).status_code == 404
    assert put(kit, row.package_id, bytes((16 << 20) + 1), row.statement).status_code == 413
    assert client.put(path, headers={"Content-Type": MEDIA}).status_code in {411, 422}
    assert client.delete(path).mimetype == "application/problem+json"


def test_a_receipt_is_given_only_when_the_packages_name_is_durable(kit, sent, monkeypatch):
    """The folder is synced after the rename and before the answer: a power cut takes nothing."""
    row, content = sent
    kept = kit.folder / "centre" / "packages"
    synced, fsync = [], os.fsync

    def watched(descriptor):
        fsync(descriptor)
        synced.append((Path(f"/proc/self/fd/{descriptor}").readlink(), named()))

    def named():
        return (kept / row.package_id).exists()

    monkeypatch.setattr(os, "fsync", watched)
    status = put(kit, row.package_id, content, row.statement).status_code

    assert status == 201
    assert (kept.resolve(), True) in synced


def test_what_a_crash_left_half_written_is_swept_and_taken_again(kit, sent):
    """A package is in its folder whole, or it is not there."""
    row, content = sent
    half = kit.folder / "centre" / "packages" / f".{row.package_id}.part"
    half.mkdir()
    (half / "manifest.json").write_text("{")

    swept = make_kit(kit.folder)
    assert not half.exists()
    assert ask(swept, row.package_id).status_code == 404
    assert put(swept, row.package_id, content, row.statement).status_code == 201


CENTRE = """
import sys
from pathlib import Path
from centre.app import serve
serve(Path(sys.argv[1]), "127.0.0.1", 0, lambda port: print(port, flush=True))
"""


@pytest.fixture
def served(kit):
    """The centre as its own process; its port."""
    process = subprocess.Popen(
        [sys.executable, "-c", CENTRE, str(kit.folder / "centre")],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process.stdout:
        yield int(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_a_package_goes_from_the_store_to_the_shelf_over_tls(kit, served):
    """The whole way, two processes, a real socket; the list for people names it."""
    ca_file = kit.folder / "centre" / "tls-ca.pem"
    url = f"https://127.0.0.1:{served}"
    # A peer that says nothing must not hold up the others.
    with socket.create_connection(("127.0.0.1", served)), kit.open_store() as store:
        row = kit.hand_in(store)
        options = {"url": url, "ca_file": str(ca_file)}
        sink = open_sink("https", options)
        outbox = Outbox(store, SINK, sink, kit.verifier, pace=Pace(first_max_s=0))
        outbox.start()
        until(lambda: store.package(row.package_id).state == "receipted")
        outbox.close()
    context = ssl.create_default_context(cafile=ca_file)
    page = httpx.get(url, verify=context, trust_env=False)

    assert row.package_id in page.text
    assert kit.shelf.word(row.package_id).digest == row.digest


def test_the_centre_keeps_its_keys_over_a_restart(kit, sent):
    """What stations pinned stays true."""
    row, content = sent
    public = (kit.folder / "centre" / "keys.jws").read_text()
    again = make_kit(kit.folder)

    assert (kit.folder / "centre" / "keys.jws").read_text() == public
    assert put(again, row.package_id, content, row.statement).status_code == 201


class _Cut(BaseException):
    """The power goes."""


def test_what_a_centre_published_before_a_power_cut_it_can_still_sign_for(tmp_path, monkeypatch):
    """A station may pin the CA as soon as it is there: at no cut is its key gone, or another's."""
    renamed = Path.rename
    for cut in range(4):
        folder, left = tmp_path / str(cut), iter(range(cut))

        def rename(part, name, left=left):
            if next(left, None) is None:
                raise _Cut
            return renamed(part, name)

        monkeypatch.setattr(Path, "rename", rename)
        with pytest.raises(_Cut):
            open_or_make_tls(folder, "localhost")
        monkeypatch.undo()
        pinned_then = folder / "tls-ca.pem"
        before = pinned_then.read_bytes() if pinned_then.exists() else None

        open_or_make_tls(folder, "localhost")

        after = x509.load_pem_x509_certificate(pinned_then.read_bytes())
        server = x509.load_pem_x509_certificate((folder / "keys" / "tls.pem").read_bytes())
        server.verify_directly_issued_by(after)
        assert before in (None, pinned_then.read_bytes())
