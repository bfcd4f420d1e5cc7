"""Visit lists: taken in once, for this device alone, and wiped when they are over."""

from __future__ import annotations

import base64
import random
import struct
from dataclasses import replace

import pytest

from centre.keys import signed
from centre.visits import know_visit_key, sealed_file
from edge.candidates.lookup import Ask, LookupRefused, PhotoUnfit
from edge.candidates.visits import Config, open_lookup
from edge.portable.device_key import (
    FORMER,
    change_device_key,
    device_card,
    device_keys,
    open_or_make_device_key,
)
from edge.portable.list_file import NotAList, records_of
from edge.portable.visit_list import VisitListRefused, open_list
from edge.trust.keys import KeyUnusable
from edge.utc import now_ms, rfc3339
from tests.delivery_kit import STATION
from tests.order_kit import PERSONAL, PHOTO, SURNAME, body, sha256
from tests.portable_kit import carried, visit
from tests.station.seen import leaks_in


@pytest.fixture
def device(tmp_path):
    return carried(tmp_path)


def refused(device, content: bytes) -> VisitListRefused:
    with device.lists() as now:
        before = now.states()
        with pytest.raises(VisitListRefused) as error:
            now.load(content)
        assert now.states() == before
    return error.value


def test_a_list_becomes_waiting_orders_that_a_sitting_takes_as_any_other(device):
    """Names, preferences and fingers are those that the centre wrote; times are the list's."""
    wishes = {"text_scale": 1.5, "seated": True, "language": "zh-CN"}
    asked = {
        "preferences": wishes, "keep_preferences": True, "materials": ["household_register"],
        "proxy": {"relation": "daughter", "authorisation_ref": "LETTER-7"},
    }  # fmt: skip
    content = device.make(visit(1, **asked), visit(2), hours=8, place="liuhe-village")
    with device.lists() as now:
        loaded = now.load(content)

        assert (loaded.added, loaded.known) == (2, 0)
        first, second = now.orders.waiting()
        assert (first.order_ref, second.order_ref) == ("HOME-0001", "HOME-0002")
        assert (first.surname, first.slip_code) == (SURNAME, "000001")
        assert first.preferences.text_scale == 1.5
        assert first.preferences.seated is True
        assert (first.keep_preferences, first.materials) == (True, ("household_register",))
        assert (first.proxy, first.authorisation_ref) == (True, "LETTER-7")
        (standing,) = now.lists.standing
        assert (standing.place, standing.sequence) == ("liuhe-village", 1)
        rows = now.orders.rows()
        assert {row.expires_at_ms for row in rows} == {standing.expires_at_ms}


def test_the_same_list_twice_is_the_same_list_once(device):
    """Whoever is unsure whether it worked does it again."""
    content = device.make(visit(1), visit(2))
    with device.lists() as now:
        now.load(content)
        again = now.load(content)

        assert (again.added, again.known) == (0, 2)
        assert len(now.orders.waiting()) == 2
    with device.lists() as now:
        now.resume()
        assert (now.load(content).added, now.states()) == (0, ["waiting", "waiting"])


def test_an_order_that_was_served_does_not_come_back_with_a_newer_list(device):
    """The centre made the newer list before the package of the order had reached it."""
    older, newer = device.make(visit(1), visit(2)), device.make(visit(1), visit(2), visit(3))
    with device.lists() as now:
        now.load(older)
        taken = now.orders.take()
        now.orders.end(taken.sitting_id, "accepted")
        # Long after the answers to repeated requests are forgotten.
        device.clock.go_on(0.5)
        now.orders._store.write(lambda db: db.execute("delete from idempotency"))
        loaded = now.load(newer)

        assert (loaded.added, loaded.known) == (1, 2)
        assert [one.order_ref for one in now.orders.waiting()] == ["HOME-0002", "HOME-0003"]


def test_a_power_cut_in_the_middle_of_a_list_is_taken_up_at_the_next_start(device, monkeypatch):
    """The file lies there before the first order waits, and stays until all do."""
    content = device.make(visit(1), visit(2), visit(3))
    with device.lists() as now:
        add, calls = now.orders.add, []

        def cut(*arguments, **options):
            calls.append(1)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return add(*arguments, **options)

        monkeypatch.setattr(now.orders, "add", cut)
        with pytest.raises(KeyboardInterrupt):
            now.load(content)
        assert len(now.orders.waiting()) == 1
    with device.lists() as now:
        now.resume()

        assert [one.order_ref for one in now.orders.waiting()] == [
            "HOME-0001", "HOME-0002", "HOME-0003",
        ]  # fmt: skip
        assert len(now.lists.standing) == 1


def test_when_a_list_is_over_nothing_of_it_is_left(device):
    """The sealed file goes, and the orders that nobody began end and are erased."""
    content = device.make(visit(1, reuse_photo=body()["reuse_photo"]), hours=4)
    with device.lists() as now:
        now.load(content)
        folder = device.folder / "visits"
        assert len(list(folder.iterdir())) == 1
        device.clock.go_on(4.1)
        now.lists.sweep()
        now.orders._sweeper.sweep()

        assert list(folder.iterdir()) == []
        assert now.lists.standing == ()
        (row,) = now.orders.rows()
        assert (row.state, row.result) == ("ended", "expired")
        assert now.lists.open_orders() == ()


def test_a_list_that_was_over_once_stays_over_when_the_clock_is_set_back(device):
    """Whoever sets the clock brings nobody's visit back with the same stick."""
    content = device.make(visit(1), hours=4)
    with device.lists() as now:
        now.load(content)
        device.clock.go_on(4.1)
        now.lists.sweep()
    device.clock.go_on(-4)

    assert refused(device, content).code == "replayed"


def test_a_start_with_a_clock_that_is_behind_wipes_no_list(device):
    """What a wrong clock says of a list may not be: once it is set, the visits are there."""
    content = device.make(visit(1), hours=4)
    with device.lists() as now:
        now.load(content)
    device.clock.go_on(-72)
    with device.lists() as now:
        now.resume()
        assert len(list((device.folder / "visits").iterdir())) == 1


def test_a_list_that_was_over_while_the_station_was_off_goes_at_the_start(device):
    """A device that lay in a drawer for a month brings nobody's name back."""
    content = device.make(visit(1), hours=4)
    with device.lists() as now:
        now.load(content)
    device.clock.go_on(30 * 24)
    with device.lists() as now:
        now.resume()
        assert list((device.folder / "visits").iterdir()) == []
        assert now.states() == ["ended"]


def test_an_earlier_photo_is_read_from_the_sealed_list_when_it_is_asked_for(device):
    """The bytes are those that the order names; on the disk they are sealed before and after."""
    content = device.make(visit(1), visit(2, reuse_photo=body()["reuse_photo"]))
    with device.lists() as now:
        now.load(content)
        _, order = now.orders.waiting()
    lookup = open_lookup(Config(folder=device.folder), STATION, lambda payload, typ: "")
    found = lookup.find(Ask(order.order_ref, order.candidates[0].sha256), 1.0)

    assert found == PHOTO
    with pytest.raises(LookupRefused):
        lookup.find(Ask(order.order_ref, "0" * 64), 1.0)
    files = [path for path in (device.folder / "visits").iterdir() if path.is_file()]
    assert leaks_in(files, [SURNAME], [PHOTO]) == set()


def test_a_photo_that_a_stranger_s_file_claims_is_not_believed(device):
    """Whoever writes into the folder can seal to the device, and yet passes no face off."""
    with device.lists() as now:
        now.load(device.make(visit(1)))
    key = open_or_make_device_key(device.folder)
    names = {"list_id": "0" * 8, "station_id": STATION, "sequence": 1}
    wanted = sha256(PHOTO)
    said = {"photos": [{"n": 1, "sha256": wanted, "size": 3}]}
    token = signed(said, "anxin-visits+jws", device.kit.keyring.receipt)
    sealed = sealed_file(names, [token.encode(), b"bad"], (key.thumbprint(), key.public_key))
    (device.folder / "visits" / "0.visits").write_bytes(sealed)
    lookup = open_lookup(Config(folder=device.folder), STATION, lambda payload, typ: "")

    with pytest.raises(PhotoUnfit):
        lookup.find(Ask("HOME-0001", wanted), 1.0)


def test_a_stolen_device_shows_no_name_of_its_list(device):
    """Every file that the device keeps, searched raw in every written form, while orders wait."""
    with device.lists() as now:
        now.load(device.make(visit(1, reuse_photo=body()["reuse_photo"]), visit(2)))
        foreign = {device.folder / "centre", device.folder / "keys"}
        found = [path for path in device.folder.rglob("*") if path.is_file()]
        # The reserves are room that is taken, 40 MiB that nobody wrote.
        found = [path for path in found if not path.name.startswith("reserve")]
        files = [path for path in found if not foreign & {*path.parents}]
        assert leaks_in(files, [*PERSONAL, "HOME-0001"], [PHOTO]) == set()
        assert {path.suffix for path in files} >= {".db", ".visits", ".pem"}


@pytest.mark.parametrize("place", ["header", "list", "photo", "end", "begin", "cut"])
def test_a_list_that_was_changed_anywhere_is_refused_in_one_sentence(device, place):
    """One bit anywhere, or a missing end: the whole list is refused and nothing waits."""
    content = bytearray(device.make(visit(1, reuse_photo=body()["reuse_photo"])))
    (length,) = struct.unpack_from(">I", content, 8)
    at = {
        "begin": 3, "header": 20, "list": 12 + length + 200, "end": len(content) - 1,
        "photo": len(content) - 600, "cut": 0,
    }[place]  # fmt: skip
    content[at] ^= 1
    if place == "cut":
        content[at] ^= 1
        del content[-40:]
    error = refused(device, bytes(content))

    assert error.code in {"changed", "foreign"} if place == "header" else error.code == "changed"
    assert str(error).endswith(".")


def test_every_bit_of_the_head_counts(device):
    """Nothing in a header can be changed without the list being refused."""
    content = device.make(visit(1))
    (length,) = struct.unpack_from(">I", content, 8)
    with device.lists() as now:
        for at in range(12, 12 + length):
            changed = bytearray(content)
            changed[at] ^= 1
            with pytest.raises(VisitListRefused):
                now.load(bytes(changed))
        assert now.states() == []


def test_a_list_for_another_station_is_refused_and_says_so(device, tmp_path):
    """Two officers who took each other's stick learn it at once."""
    other = carried(tmp_path / "other")
    error = refused(device, other.make(visit(1)))
    assert error.code == "foreign"
    renamed = device.make(visit(1)).replace(STATION.encode(), b"st-000008")
    assert refused(device, renamed).code == "foreign"


def test_a_list_that_another_centre_signed_is_refused(device, tmp_path):
    """Whoever has the device's public key can seal to it, and yet orders nothing here."""
    stranger = carried(tmp_path / "stranger").kit.keyring
    key = open_or_make_device_key(device.folder)
    now = now_ms()
    names = {
        "list_id": "01234567-89ab-cdef-0123-456789abcdef",
        "station_id": STATION,
        "sequence": 9,
    }
    said = {
        "v": 1, **names, "issued_at": rfc3339(now), "not_before": rfc3339(now - 1000),
        "expires_at": rfc3339(now + 3_600_000), "place": "", "orders": [visit(1)], "photos": [],
    }  # fmt: skip
    sealed_to = (key.thumbprint(), key.public_key)

    def by(keyring, typ="anxin-visits+jws", **changes):
        token = signed({**said, **changes}, typ, keyring.receipt)
        return sealed_file(names, [token.encode()], sealed_to)

    assert refused(device, by(stranger)).code == "changed"
    assert refused(device, by(device.kit.keyring, typ="anxin-receipt+jws")).code == "changed"
    assert refused(device, by(device.kit.keyring, sequence=10)).code == "changed"
    assert refused(device, by(device.kit.keyring, orders=[])).code == "changed"
    with device.lists() as device_now:
        assert device_now.load(by(device.kit.keyring)).added == 1


@pytest.mark.parametrize("hours", [(-48, -1), (1, 48)], ids=["over", "not-yet"])
def test_a_list_by_a_key_that_was_not_valid_when_it_was_made_is_refused(device, hours):
    """A key that was stolen after its time signs nothing, whatever our clock says now."""
    content, now = device.make(visit(1)), now_ms()
    begins, ends = (now + hour * 3_600_000 for hour in hours)
    keys = {
        kid: replace(key, not_before_ms=begins, not_after_ms=ends)
        for kid, key in device.kit.keys.receipts.items()
    }
    held = device_keys(device.folder)
    with pytest.raises(VisitListRefused) as error:
        open_list(content, STATION, held, keys, now)

    assert error.value.code == "changed"
    assert open_list(content, STATION, held, device.kit.keys.receipts, now).sequence == 1


def test_a_list_that_is_over_is_refused(device):
    """And one whose date shows that the clock is behind is not judged by that clock."""
    content = device.make(visit(1), hours=4)
    device.clock.go_on(5)
    assert refused(device, content).code == "expired"
    device.clock.go_on(-5 - 48)
    assert refused(device, content).code == "clock"


def test_an_older_list_is_refused_once_a_newer_one_was_taken(device):
    """A stick that was found again brings no cancelled visit back; nor after a restart."""
    older, newer = device.make(visit(1)), device.make(visit(2))
    with device.lists() as now:
        now.load(newer)
    error = refused(device, older)
    assert error.code == "replayed"
    assert "list 2" in str(error)


def test_one_order_that_cannot_be_read_refuses_the_whole_list(device):
    """Half a list would leave somebody unvisited, and nobody would know."""
    unknown = visit(2, documents=["no_such_document"])
    typo = visit(2, preferences={"font": 2})
    for bad in (unknown, typo):
        error = refused(device, device.make(visit(1), bad))
        assert error.code == "unfit"
        assert "Order 2" in str(error)
        assert SURNAME not in str(error)


def test_a_new_device_key_opens_what_is_still_on_its_way(device):
    """After a change of the key the list under the one before is taken, and one under the new."""
    before = device.make(visit(1))
    key = change_device_key(device.folder)
    know_visit_key(device.kit.shelf.folder, device_card(key, STATION, device.kit.station_key))
    after = device.make(visit(2))
    with device.lists() as now:
        assert now.load(before).added == 1
        assert now.load(after).added == 1
    assert len(device_keys(device.folder)) == 2
    change_device_key(device.folder)
    assert refused(device, before).code == "foreign"


def test_a_device_key_that_others_may_read_is_not_used(device):
    """A copied key would open every list that is still to come."""
    path = device.folder / "visit-key.pem"
    assert path.stat().st_mode & 0o077 == 0
    path.chmod(0o644)
    with pytest.raises(KeyUnusable, match="Others may read"):
        device_keys(device.folder)
    path.chmod(0o600)
    path.write_bytes(b"no key")
    with pytest.raises(KeyUnusable):
        device_keys(device.folder)
    assert not (device.folder / FORMER).exists()


def test_the_centre_takes_a_card_only_from_a_station_that_it_knows(device, tmp_path):
    """Whoever could swap the card would read the names of every visit."""
    other = carried(tmp_path / "other")
    forged = device_card(open_or_make_device_key(other.folder), STATION, other.kit.station_key)
    with pytest.raises(ValueError, match="no station that is known here"):
        know_visit_key(device.kit.shelf.folder, forged)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_bytes_come_are_refused_and_nothing_else_happens(seed):
    """Noise, before and behind the right beginning, is no list and no crash."""
    noise = random.Random(seed).randbytes(4096 + seed)
    head = b"ANXVIS1\n"
    for content in (noise, head + noise, head + struct.pack(">I", seed) + noise, head, b""):
        with pytest.raises(NotAList):
            records_of(content)


def test_no_list_has_the_digest_of_a_photo_in_clear(device):
    """A digest would tell whoever has the photo whom the device visits."""
    content = device.make(visit(1, reuse_photo=body()["reuse_photo"]))
    digest = sha256(PHOTO)
    forms = (digest, base64.b64encode(bytes.fromhex(digest)).decode())

    assert not any(form.encode() in content for form in forms)
