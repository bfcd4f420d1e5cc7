"""The audit trail cannot be shortened unseen: by the station's own check, and by the centre's."""

from __future__ import annotations

import json
import shutil
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from pathlib import Path

import apsw
import pytest
from click.testing import CliRunner
from joserfc import jws

from centre.audit_heads import HeadBook
from edge.store.file import unlock
from edge.trust import audit, heads
from edge.trust.audit import Actor, AuditBroken
from edge.trust.audit_check import verify_whole
from edge.trust.heads import head_signer, signed_head
from edge.trust.keys import KeyUnusable, StationKey
from edge.trust.signatures import public_key, verified
from proofs.audit_trail import HARMS, PROOFS
from run_edge import cli
from tests.delivery_kit import STATION, make_kit

SOMEBODY = Actor("station", "service")
CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture
def kit(tmp_path):
    kit = make_kit(tmp_path)
    card = tmp_path / "to-centre" / f"{STATION}.json"
    card.parent.mkdir()
    card.write_text(kit.station_key.registration(STATION))
    (tmp_path / "store.key").symlink_to(tmp_path / "keys" / "store.key")
    return kit


@pytest.fixture
def settings(kit):
    """A station's file whose store is the kit's."""
    demo = (CHECKOUT / "firmware_configs" / "stations" / "demo.toml").read_text(encoding="utf-8")
    path = kit.folder / "station.toml"
    path.write_text(
        demo.replace("demo-000001", STATION).replace("var/demo/store", str(kit.folder)), "utf-8"
    )
    return path


def work(kit, packages=3):
    """Some sittings; returns the signed head that leaves with the last delivery."""
    with kit.open_store() as store:
        for _ in range(packages):
            kit.hand_in(store)
        return signed_head(store, kit.station_key, STATION)


def tamper(kit, *statements):
    """Somebody with the disk and its key edits the database."""
    db = apsw.Connection(str(kit.folder / "store.db"))
    unlock(db, (kit.folder / "store.key").read_bytes().hex())
    for statement in statements:
        db.execute(statement)
    db.close()


def check(settings, *arguments):
    return CliRunner().invoke(cli, ["audit", "verify", "--settings", str(settings), *arguments])


def test_a_signed_head_says_where_the_chain_ends(kit):
    """Number, hash, station and time, by the station's key."""
    with kit.open_store() as store:
        kit.hand_in(store)
        token = signed_head(store, kit.station_key, STATION)
        end = store.read(audit.head)
    jwk = json.loads(kit.station_key.registration(STATION))["keys"][0]
    said, kid = verified(token, "anxin-audit-head+jws", {jwk["kid"]: public_key(jwk)})

    assert kid == kit.station_key.kid
    assert said.keys() == {"v", "station_id", "n", "head", "at", "trail"}
    assert (said["station_id"], said["n"], said["head"]) == (STATION, end.n, end.hash.hex())


def test_a_whole_chain_holds_and_contains_every_head_that_left(kit, settings):
    """Exit status 0, also with heads and seal statements as they were sent."""
    early = work(kit, 1)
    late = work(kit, 2)
    heads = kit.folder / "heads"
    with kit.open_store() as store:
        statement = store.packages()[0].statement
    heads.write_text(f"{early}\n{late}\n\n{statement}\n")

    assert check(settings).exit_code == 0
    held = check(settings, "--head", str(heads))
    assert held.exit_code == 0
    assert "all 3 heads" in held.output


def test_the_check_writes_nothing_and_does_not_disturb_a_running_station(kit, settings):
    """It reads beside the service, and adds no row that says so."""
    work(kit)
    with kit.open_store() as store:
        before = store.read(audit.head)
        result = check(settings)

        assert result.exit_code == 0
        assert store.read(audit.head) == before
        kit.hand_in(store)


@pytest.mark.parametrize(
    ("statement", "row"),
    [
        ("update audit set entry = replace(entry, 'part.add', 'part.ado') where n = 7", 7),
        ("update audit set hash = zeroblob(32) where n = 7", 7),
        ("delete from audit where n = 7", 7),
        ("delete from audit where n <= 7", 1),
        ("update audit set n = n + 1 where n = (select max(n) from audit)", None),
        ("update audit set entry = 'x' where n = 7", 7),
    ],
    ids=["edited", "hash", "removed", "beginning-removed", "renumbered", "no-json"],
)
def test_a_break_ends_with_1_and_names_its_row(kit, settings, statement, row):
    """And says that nothing shall be mended."""
    work(kit)
    with kit.open_store() as store:
        last = store.read(audit.head).n
    tamper(kit, statement)
    result = check(settings)

    assert result.exit_code == 1
    assert f"BROKEN at row {row or last}:" in result.output
    assert "Leave everything" in result.output
    with kit.open_store() as store:
        assert "audit_broken" in store.alarms


def test_a_cut_tail_shows_against_a_head_and_only_against_one(kit, settings):
    """Control: without a head the same cut stays unseen; the command says that it cannot tell."""
    head = kit.folder / "head"
    head.write_text(work(kit))
    with kit.open_store() as store:
        last = store.read(audit.head).n
    tamper(kit, f"delete from audit where n > {last - 3}")

    unseen = check(settings)
    assert unseen.exit_code == 0
    assert "cannot be seen" in unseen.output
    seen = check(settings, "--head", str(head))
    assert seen.exit_code == 1
    assert f"BROKEN at row {last - 2}" in seen.output


def test_a_chain_that_was_made_anew_shows_against_a_head(kit, settings):
    """Edited and hashed again to the end it is whole in itself, and not the one that left."""
    head = kit.folder / "head"
    head.write_text(work(kit))
    with kit.open_store() as store:
        rows = store.audit_rows()
    forged, last = [], audit.ZERO
    for row in rows:
        entry = row.entry.replace(b"part.add", b"part.ado")
        last = audit.link(last, entry)
        forged.append((last, entry, row.n))
    tamper(kit, *[
        f"update audit set hash = x'{hashed.hex()}', entry = x'{entry.hex()}' where n = {n}"
        for hashed, entry, n in forged
    ])  # fmt: skip

    assert check(settings).exit_code == 0
    assert check(settings, "--head", str(head)).exit_code == 1


def test_heads_that_this_station_did_not_sign_prove_nothing(kit, settings, tmp_path):
    """A stranger's head is one sentence and exit status 2: not a break."""
    work(kit)
    stranger = StationKey.open_or_make(tmp_path / "stranger.pem")
    for text in ("nonsense", "", stranger.sign_jws(b'{"v":1}', "anxin-audit-head+jws")):
        (tmp_path / "head").write_text(text)
        result = check(settings, "--head", str(tmp_path / "head"))

        assert result.exit_code == 2
        assert "has not signed" in result.output


def test_a_key_of_another_store_is_named_as_what_may_be_wrong(kit, settings):
    """After a restore with the wrong copy from the safe; no exception's name tells anybody that."""
    work(kit)
    key_file = next(kit.folder.rglob("store.key"))
    key_file.write_bytes(bytes(32))
    done = check(settings)

    assert done.exit_code == 2
    assert f"damaged or belongs to another key than {key_file}" in done.output


def test_contradicting_heads_are_a_break(kit):
    """Two heads of one number: the chain had two ends."""
    work(kit)
    with kit.open_store() as store:
        end = store.read(audit.head)

    with pytest.raises(AuditBroken, match="contradict"):
        verify_whole(kit.folder, [end, replace(end, hash=bytes(32))])


def test_a_head_is_left_out_rather_than_a_package_kept_back(kit):
    """While the key does not answer, deliveries go without it."""
    with kit.open_store() as store:
        sign = head_signer(store, kit.station_key, STATION)
        assert sign()
        gone = StationKey(GoneSigner(kit.station_key))

        assert head_signer(store, gone, STATION)() == ""


class GoneSigner:
    """A TPM that was pulled after the start."""

    def __init__(self, key):
        self.public, self.algorithm = key.public, key.algorithm

    def sign(self, message):
        raise KeyUnusable("away")


# What the centre sees


class Wire:
    """A station's deliveries as the centre gets them, and the disk that they come from."""

    def __init__(self, kit) -> None:
        self.kit = kit
        self.book = HeadBook(kit.folder / "centre")
        self.sent = 0

    def deliver(self) -> set[str]:
        """Send every package that was not sent yet, with the head of now; return the flags."""
        flags: list[str] = []
        with self.kit.open_store() as store:
            for row in store.packages(limit=1000):
                if row.cursor <= self.sent:
                    continue
                self.sent = row.cursor
                said, _ = verified(row.statement, "anxin-seal+jws", self._keys())
                flags += self.book.note_statement(said)
                store.record_receipt(row.package_id, "centre", "r")
            token = signed_head(store, self.kit.station_key, STATION)
        flags += self.book.note_head(token, self.kit.shelf.stations())
        return set(flags)

    def sit(self, packages: int) -> None:
        with self.kit.open_store() as store:
            for _ in range(packages):
                self.kit.hand_in(store)

    def image(self) -> Path:
        """Copy the disk."""
        copy = self.kit.folder / "image"
        copy.mkdir()
        for file in self.kit.folder.glob("store.db*"):
            shutil.copy(file, copy)
        return copy

    def restore(self, image: Path) -> None:
        for file in self.kit.folder.glob("store.db*"):
            file.unlink()
        for file in image.iterdir():
            shutil.copy(file, self.kit.folder)

    def rows(self) -> list[tuple[int, bytes, bytes]]:
        with self.kit.open_store() as store:
            return [(row.n, row.hash, row.entry) for row in store.audit_rows(limit=100_000)]

    def _keys(self):
        return self.kit.shelf.stations()[STATION]


@pytest.fixture
def wire(kit):
    return Wire(kit)


def test_honest_work_over_restarts_and_backlogs_raises_no_flag(wire, kit):
    """A check that cries wolf is switched off."""
    for packages in (1, 3, 0, 2):
        wire.sit(packages)
        assert wire.deliver() == set()
    wire.book = HeadBook(kit.folder / "centre")
    wire.sit(1)

    assert wire.deliver() == set()
    assert wire.book.check_rows(STATION, wire.rows()) == ()
    assert wire.book.incidents(STATION) == []


def test_the_centre_flags_a_cut_tail_and_a_centre_without_heads_does_not(wire, kit):
    """Control: one that holds no head sees a whole, shorter chain."""
    wire.sit(3)
    wire.deliver()
    tamper(kit, "delete from audit where n > (select max(n) from audit) - 9")
    without = HeadBook(kit.folder / "no-heads")

    assert "audit_shorter" in wire.deliver()
    assert without.check_rows(STATION, wire.rows()) == ()
    assert wire.book.incidents(STATION)


def test_the_centre_flags_a_cut_chain_that_has_grown_again(wire, kit, monkeypatch):
    """Its head is further than the last one and fits none; the trail leads past the last one.

    Control: heads without a trail say nothing of it.
    """
    wire.sit(2)
    wire.deliver()
    tamper(kit, "delete from audit where n > (select max(n) from audit) - 3")
    for _ in range(5):
        kit.open_store().close()
    with kit.open_store() as store:
        token = signed_head(store, kit.station_key, STATION)
        monkeypatch.setattr(heads, "TRAIL_ROWS", 0)
        without = signed_head(store, kit.station_key, STATION)

    assert HeadBook(kit.folder / "centre").note_head(without, kit.shelf.stations()) == ()
    assert wire.book.note_head(token, kit.shelf.stations()) == ("audit_forked",)


def test_a_thief_who_can_sign_deceives_the_heads_and_not_the_rows(wire, kit):
    """With the station's key a trail says what he likes; the rows must truly lead to each head."""
    wire.sit(2)
    wire.deliver()
    true = {n: hashed for n, hashed, _ in wire.rows()}
    tamper(kit, "delete from audit where n > (select max(n) from audit) - 3")
    for _ in range(5):
        kit.open_store().close()
    with kit.open_store() as store:
        end = store.read(audit.head)
        signed = signed_head(store, kit.station_key, STATION)
    said = json.loads(jws.extract_compact(signed.encode()).payload)
    said["trail"] = urlsafe_b64encode(
        b"".join(true.get(n, bytes(32))[:12] for n in range(end.n - 1, 0, -1))
    ).decode()
    lie = kit.station_key.sign_jws(json.dumps(said).encode(), heads.HEAD_TYP)

    assert wire.book.note_head(lie, kit.shelf.stations()) == ()
    assert any(
        flag.startswith("audit_forked") for flag in wire.book.check_rows(STATION, wire.rows())
    )


def test_the_trail_is_as_long_as_it_says(kit):
    """Twelve bytes a row, 128 rows at most, and the whole head below 4 KiB."""
    with kit.open_store() as store:
        short = signed_head(store, kit.station_key, STATION)
        store.write(lambda db: [audit.append(db, "", SOMEBODY, "x", {}, "ok") for _ in range(140)])
        end = store.read(audit.head)
        rows = store.audit_rows(end.n - 2, 1)
        token = signed_head(store, kit.station_key, STATION)
    for signed, length in ((short, 0), (token, 128)):
        said = json.loads(jws.extract_compact(signed.encode()).payload)
        assert len(urlsafe_b64decode(said["trail"])) == length * 12
    assert urlsafe_b64decode(said["trail"])[:12] == rows[0].hash[:12]
    assert len(token) < 4096


def test_the_centre_flags_a_restored_older_disk(wire):
    """At its first delivery, if it has not grown past what the centre knows."""
    wire.sit(2)
    image = wire.image()
    wire.sit(3)
    wire.deliver()
    wire.restore(image)

    assert wire.deliver() & {"audit_shorter", "audit_forked"}


def test_the_centre_flags_a_restored_disk_that_has_grown_past_what_it_knew(wire):
    """Its packages count from where the older disk stood: a number comes twice."""
    wire.sit(2)
    image = wire.image()
    wire.sit(2)
    wire.deliver()
    wire.restore(image)
    wire.sent = 2
    wire.sit(9)

    assert "sequence_reused" in wire.deliver()
    assert {flag.partition(":")[0] for flag in wire.book.check_rows(STATION, wire.rows())} == {
        "audit_forked"
    }


def test_the_centre_flags_an_edited_row_in_the_chain_that_it_collects(wire, kit):
    """Edited alone it breaks; edited and hashed again it contradicts a head."""
    wire.sit(3)
    wire.deliver()
    rows = wire.rows()
    edited = [(n, hashed, entry.replace(b"part.add", b"part.ado")) for n, hashed, entry in rows]
    again, last = [], audit.ZERO
    for n, _, entry in edited:
        last = audit.link(last, entry)
        again.append((n, last, entry))

    first = next(n for n, _, entry in rows if b"part.add" in entry)
    assert wire.book.check_rows(STATION, edited) == (f"audit_edited:{first}",)
    assert any(flag.startswith("audit_forked") for flag in wire.book.check_rows(STATION, again))
    # Control: without a head from before, the second is a whole chain.
    assert HeadBook(kit.folder / "no-heads").check_rows(STATION, again) == ()


def test_a_head_that_was_signed_earlier_may_come_later(wire, kit):
    """By stick, or by another connection: it fits, so it is no incident."""
    with kit.open_store() as store:
        kit.hand_in(store)
        early = signed_head(store, kit.station_key, STATION)
    wire.sit(2)
    wire.deliver()

    assert wire.book.note_head(early, kit.shelf.stations()) == ()
    assert wire.deliver() == set()


def test_a_later_package_has_a_later_row_in_whichever_order_they_come(tmp_path):
    """Out of order is normal; a package that was closed later at an earlier row is not."""
    book = HeadBook(tmp_path)

    def closed(sequence: int, n: int) -> tuple[str, ...]:
        end = {"n": n, "head": f"{n:064x}"}
        said = {"station_id": STATION, "digest": f"d{sequence}", "sequence": sequence}
        return book.note_statement({**said, "audit": end})

    assert closed(1, 20) == ()
    assert closed(3, 40) == ()
    assert closed(2, 30) == ()
    assert closed(2, 30) == ()
    assert closed(4, 35) == ("audit_shorter",)
    assert book.note_statement({"station_id": "../x"}) == ("head_invalid",)


def test_a_head_by_nobody_known_is_no_head(wire, kit, tmp_path):
    """It proves nothing and it cannot poison what is known."""
    wire.sit(1)
    wire.deliver()
    stranger = StationKey.open_or_make(tmp_path / "stranger.pem")
    end = json.dumps({"v": 1, "station_id": STATION, "n": 9999, "head": "00" * 32, "at": "2030"})
    for token in ("", "a.b.c", stranger.sign_jws(end.encode(), "anxin-audit-head+jws")):
        assert wire.book.note_head(token, kit.shelf.stations()) == ("head_invalid",)

    wire.sit(1)
    assert wire.deliver() == set()


def test_a_delivery_over_http_brings_its_head_to_the_book(wire, kit):
    """The header is read where packages come in, and a package is taken whatever it says."""
    with kit.open_store() as store:
        row = kit.hand_in(store)
        content = store.sealed(row.package_id)
        head = signed_head(store, kit.station_key, STATION)
    fields = {
        "Content-Digest": row.digest, "If-None-Match": "*", "Anxin-Seal": row.statement,
        "Content-Type": "application/vnd.anxin.package",
    }  # fmt: skip
    path = f"/ingest/v1/packages/{row.package_id}"
    answer = kit.application.test_client().put(
        path, data=content, headers={**fields, "Anxin-Audit-Head": head}
    )

    assert answer.status_code == 201
    tamper(kit, "delete from audit where n > 3")
    assert wire.deliver() & {"audit_shorter", "audit_forked"}


def test_the_proof_of_it_holds_and_its_control_is_found_out():
    """`make proof` tries it a thousand times; here once through all kinds of harm, twice over."""
    proof = PROOFS["audit"]

    assert proof.run(proof.short, 1).failures == 0
    assert proof.control(len(HARMS), 1).failures > 0
