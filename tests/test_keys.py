"""The centre's signed key list: whose word counts, for how long, and that it never goes back."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey

from centre.keys import KEYS_TYP, issue, listed, open_or_make_keys, public_jwk, renew, signed
from centre.opening import Rejected, signed_by_station
from edge.delivery.receipt import ReceiptInvalid, ReceiptVerifier
from edge.record_room import NoSealingKey, RecordRoom
from edge.seal import Sealer
from edge.store import Store
from edge.trust import audit
from edge.trust.centre import DAY_MS, HOUR_MS, CentreKeys, PinnedCentre, read_key_list
from edge.trust.key_list import (
    KeyList,
    Rollback,
    SignatureInvalid,
    accept_key_list,
    current_keys,
)
from edge.trust.keys import KeyUnusable
from edge.trust.signatures import verified
from edge.trust.signed_list import accept_list, current_token, pin_root, read_root
from edge.utc import now_ms
from tests.delivery_kit import SINK, STATION, make_kit, new_id

YEAR_MS = 365 * DAY_MS


@pytest.fixture
def kit(tmp_path):
    return make_kit(tmp_path)


@pytest.fixture
def store(kit):
    with kit.open_store() as store:
        yield store


@pytest.fixture
def centre(kit, store):
    """The pinned centre by the real clock."""
    return PinnedCentre.open(kit.folder / "centre", store)


def at(store, moment_ms):
    """The pinned centre as it is seen at another moment."""
    return PinnedCentre(store, lambda: moment_ms)


def fresh(kit):
    return (kit.folder / "centre" / "keys.jws").read_text().strip()


def text(moment_ms):
    return datetime.fromtimestamp(moment_ms / 1000, UTC).isoformat(timespec="milliseconds")


def row(use, begins_ms, ends_ms):
    key = OKPKey.generate_key("X25519" if use == "seal" else "Ed25519")
    return {
        "use": use, "kid": key.thumbprint(), "jwk": public_jwk(key),
        "not_before": text(begins_ms), "not_after": text(ends_ms),
    }  # fmt: skip


def root_key(kit):
    return OKPKey.import_key((kit.folder / "centre" / "keys" / "root.pem").read_bytes())


def test_the_root_signs_the_list_and_nobody_else(kit, store, centre):
    """A list by another key, of another kind or with one changed character is not taken."""
    said = listed(kit.folder / "centre")
    stranger = OKPKey.generate_key("Ed25519")
    good = fresh(kit)
    head, body, mark = good.split(".")
    forged = [
        signed({**said, "seq": 9}, KEYS_TYP, stranger),
        signed({**said, "seq": 9}, "anxin-policies+jws", root_key(kit)),
        signed({**said, "seq": 9, "v": 2}, KEYS_TYP, root_key(kit)),
        signed({**said, "seq": 0}, KEYS_TYP, root_key(kit)),
        signed({**said, "seq": True}, KEYS_TYP, root_key(kit)),
        signed({"v": 1, "seq": 9}, KEYS_TYP, root_key(kit)),
        f"{head}.{body[:-2]}AA.{mark}",
        f"{head}.{body}.",
        "", "a.b.c", "nothing", good + good,
    ]  # fmt: skip
    before = current_keys(store)
    for token in forged:
        with pytest.raises(SignatureInvalid):
            accept_key_list(store, token)

    assert current_keys(store) == before
    assert before is not None
    assert before.seq == 1


def test_an_unsigned_token_is_no_list(kit, store, centre):
    """`alg: none` and a MAC with the public key are the two oldest tricks with a JWS."""
    payload = json.dumps({**listed(kit.folder / "centre"), "seq": 9}).encode()
    kid, public = root_key(kit).thumbprint(), root_key(kit).as_dict(private=False)["x"]
    for algorithm in ("none", "HS256"):
        head = json.dumps({"alg": algorithm, "typ": KEYS_TYP, "kid": kid}).encode()
        said = b".".join(urlsafe_b64encode(part).rstrip(b"=") for part in (head, payload))
        mac = hmac.digest(public.encode(), said, "sha256") if algorithm == "HS256" else b""
        token = b".".join((said, urlsafe_b64encode(mac).rstrip(b"="))).decode()

        with pytest.raises(SignatureInvalid):
            accept_key_list(store, token)


HEADS = [
    [], 1, "x", None, {}, {"alg": 1}, {"alg": None}, {"alg": {"a": 1}}, {"alg": ["Ed25519"]},
    {"alg": "ES256"}, {"alg": "none"}, {"kid": [1]}, {"kid": {}}, {"typ": None}, {"typ": ["t"]},
    {"crit": 5}, {"crit": ["exp"]}, {"crit": ["b64"], "b64": False}, {"crit": []}, {"b64": False},
    {"x5c": 3}, {"jwk": 3}, {"zip": "DEF"},
]  # fmt: skip


@pytest.mark.parametrize("odd", HEADS, ids=json.dumps)
def test_no_header_however_odd_is_anything_but_a_bad_signature(odd):
    """Not by the station and not by the stand-in centre; nothing of it ends a thread."""
    key = OKPKey.generate_key("Ed25519")
    kid = key.thumbprint()
    head = {"alg": "Ed25519", "typ": "t", "kid": kid, **odd} if isinstance(odd, dict) else odd
    for payload in (b'{"v":1,"station_id":"s"}', b"", b"[", b"\xff", b"[" * 50_000):
        parts = [json.dumps(head).encode(), payload, bytes(64)]
        token = ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
        for odder in (token, token[:-5], f"{token}é", f"{token}.x"):
            with pytest.raises(SignatureInvalid):
                verified(odder, "t", {kid: key})
            with pytest.raises(Rejected):
                signed_by_station(odder, "t", {"s": {kid: key}})


NO_TOKENS = ["", "..", "...", "a.b", "\ud800", "\x00" * 9, "." * 99_999, "é.é.é"]


@pytest.mark.parametrize("token", NO_TOKENS, ids=lambda token: ascii(token[:9]))
def test_what_is_no_token_is_a_bad_signature(token):
    """Whatever somebody puts there."""
    with pytest.raises(SignatureInvalid):
        verified(token, "t", {})
    with pytest.raises(Rejected):
        signed_by_station(token, "t", {})


def test_a_list_never_goes_back_and_the_same_again_changes_nothing(kit, store, centre):
    """Not even to another list of the same number; each change is a row of the audit chain."""
    first = fresh(kit)
    renew(kit.folder / "centre", "seal")
    second = fresh(kit)
    accept_key_list(store, second)
    rows = len(store.audit_rows())
    accept_key_list(store, second)
    twin = signed({**listed(kit.folder / "centre"), "deny_clients": ["x"]}, KEYS_TYP, root_key(kit))

    for old in (first, twin):
        with pytest.raises(Rollback):
            accept_key_list(store, old)
    assert current_token(store, "keys") == second
    assert len(store.audit_rows()) == rows
    last = json.loads(store.audit_rows()[-1].entry)
    assert (last["act"], last["about"]) == ("keys.accept", {"seq": "2"})
    with pytest.raises(Rollback):
        KeyList.verify(first, read_root(kit.folder / "centre"), known_seq=2)


def test_a_restart_with_an_older_file_keeps_the_newer_list(kit, store, centre):
    """The pinned folder is as it was at provisioning; the journal knows better."""
    old = fresh(kit)
    renew(kit.folder / "centre", "seal")
    accept_key_list(store, fresh(kit))
    (kit.folder / "centre" / "keys.jws").write_text(old)
    PinnedCentre.open(kit.folder / "centre", store)

    assert current_keys(store).seq == 2


def test_a_damaged_file_beside_a_kept_list_stops_nobody(kit, store, centre):
    """Without a kept list it is an error that names the file."""
    (kit.folder / "centre" / "keys.jws").write_text("half a li")
    PinnedCentre.open(kit.folder / "centre", store)

    assert current_keys(store).seq == 1
    with pytest.raises(KeyUnusable, match=r"keys\.jws"):
        read_key_list(kit.folder / "centre")


def test_a_journal_that_was_set_aside_brings_no_older_list_back(kit, tmp_path):
    """The newest list lies beside it as well; control: without that, the old pin counts again."""
    pin, beside = kit.folder / "centre", tmp_path / "beside"
    old = fresh(kit)
    with kit.open_store() as store:
        PinnedCentre.open(pin, store, beside)
        renew(pin, "seal")
        accept_key_list(store, fresh(kit))
        PinnedCentre.open(pin, store, beside)
    (pin / "keys.jws").write_text(old)
    for name, kept, seq in (("set-aside", beside, 2), ("control", None, 1)):
        new = tmp_path / name
        with Store.open(new / "store.db", new / "store.key") as store:
            PinnedCentre.open(pin, store, kept)

            assert current_keys(store).seq == seq


@pytest.mark.parametrize("names", ["collector-2", {"collector-2": 1}, [["collector-2"]], None])
def test_names_to_deny_are_a_list_or_the_key_list_is_refused(kit, store, centre, names):
    """Taken letter by letter a single name would shut out nobody, and nobody would know."""
    said = {**listed(kit.folder / "centre"), "seq": 2, "deny_clients": names}
    with pytest.raises(SignatureInvalid):
        accept_key_list(store, signed(said, KEYS_TYP, root_key(kit)))
    assert current_keys(store).seq == 1


def test_a_list_that_came_while_the_station_ran_outlasts_its_journal(kit, tmp_path):
    """No start lies between the list and the damage: who was struck off must stay struck off."""
    pin = kit.folder / "centre"
    with kit.open_store() as store:
        PinnedCentre.open(pin, store, store.folder)
        pinned = fresh(kit)
        issue(pin, listed(pin)["keys"], {"collector-2"})
        accept_key_list(store, fresh(kit))
        folder = store.folder
    (pin / "keys.jws").write_text(pinned)
    (folder / "store.db").write_bytes(b"damaged " * 4096)
    with kit.open_store() as store:
        found = PinnedCentre.open(pin, store)

        assert found.denied == {"collector-2"}


def test_a_full_disk_refuses_no_list(kit, tmp_path):
    """The journal has it; the copy beside is made at the next start."""
    with kit.open_store() as store:
        PinnedCentre.open(kit.folder / "centre", store)
        (store.folder / ".newest-keys.jws.part").mkdir()
        renew(kit.folder / "centre", "seal")
        accept_key_list(store, fresh(kit))

        assert current_keys(store).seq == 2
        (store.folder / ".newest-keys.jws.part").rmdir()
        PinnedCentre.open(kit.folder / "centre", store, store.folder)
        assert (store.folder / "newest-keys.jws").read_text().strip() == fresh(kit)


def test_a_list_beside_that_is_no_list_changes_nothing(kit, tmp_path):
    """The pin's own counts, and the copy is made good."""
    (tmp_path / "newest-keys.jws").write_text("half a li")
    with kit.open_store() as store:
        PinnedCentre.open(kit.folder / "centre", store, tmp_path)

        assert current_keys(store).seq == 1
    assert (tmp_path / "newest-keys.jws").read_text().strip() == fresh(kit)


def test_another_root_is_refused_until_a_technician_pins_it(kit, store, centre, tmp_path):
    """Whoever swaps the pinned files alone does not become the centre."""
    other = make_kit(tmp_path / "other")
    with pytest.raises(KeyUnusable, match="Another centre"):
        PinnedCentre.open(other.folder / "centre", store)
    with pytest.raises(SignatureInvalid):
        accept_key_list(store, fresh(other))

    pin_root(store, read_root(other.folder / "centre"), anew=True)
    PinnedCentre.open(other.folder / "centre", store)
    assert PinnedCentre(store).sealing()[0].kid == other.keys.sealing[0].kid


def test_two_keys_are_valid_together_and_the_newest_is_sealed_to(kit, store, centre):
    """While the centre changes keys; what was sealed to either opens there."""
    first = centre.sealing()[0].kid
    renew(kit.folder / "centre", "seal")
    accept_key_list(store, fresh(kit))
    newest, older = centre.sealing()

    assert older.kid == first
    assert newest.kid == listed(kit.folder / "centre")["keys"][-1]["kid"]
    keyring = open_or_make_keys(kit.folder / "centre")
    assert keyring.opener(newest.kid)
    assert keyring.opener(older.kid)


def test_a_sitting_keeps_its_key_through_a_rotation_and_a_restart(kit, store, centre):
    """One package has one kid; whoever comes after the new list is sealed to the new key."""
    room = RecordRoom(
        store,
        lambda for_ms: [Sealer(STATION, kit.station_key, key) for key in centre.sealing(for_ms)],
        {SINK: "custody"}, dict, lambda: None, keep_master=False, distrust=centre.reasons,
    )  # fmt: skip
    record = room.begin("en")
    record.keep_consent("en")
    renew(kit.folder / "centre", "seal")
    accept_key_list(store, fresh(kit))
    resumed = room.interrupted(600)
    assert resumed is not None
    resumed.keep_consent("zh-CN")
    kids = {package.package_id: package.kid for package in store.open_packages()}
    after = room.begin("en")
    kids |= {package.package_id: package.kid for package in store.open_packages()}

    assert resumed.package_id == record.package_id
    newest, older = centre.sealing()
    assert kids == {record.package_id: older.kid, after.package_id: newest.kid}
    sealed = store.read(lambda db: [blob for (blob,) in db.execute("select record from part")])
    assert sealed
    assert all(f'"kid":"{older.kid}"'.encode() in record for record in sealed)


@pytest.mark.parametrize(
    ("moment", "usable"),
    [(-1, False), (0, True), (9 * HOUR_MS, True), (10 * HOUR_MS - 1, True), (10 * HOUR_MS, False)],
    ids=["too-early", "from-the-first-ms", "within", "to-the-last-ms", "expired"],
)
def test_a_key_is_sealed_to_within_its_window_alone(kit, store, centre, moment, usable):
    """From `not_before` on, never at or after `not_after`."""
    begins = now_ms() + HOUR_MS
    issue(kit.folder / "centre", [row("seal", begins, begins + 10 * HOUR_MS),
                                  row("receipt", begins, begins + YEAR_MS)])  # fmt: skip
    accept_key_list(store, fresh(kit))

    assert bool(at(store, begins + moment).sealing()) is usable


def test_without_a_valid_key_no_sitting_begins_and_it_says_so_before(kit, store, centre):
    """Nor with one that ends within the hour that a sitting may take."""
    ends = listed(kit.folder / "centre")["keys"][0]["not_after"]
    ends_ms = round(datetime.fromisoformat(ends).timestamp() * 1000)

    assert at(store, ends_ms - 2 * HOUR_MS).reasons() == ()
    for moment in (ends_ms - HOUR_MS, ends_ms - 1, ends_ms, ends_ms + 5 * YEAR_MS):
        late = at(store, moment)
        room = RecordRoom(
            store,
            lambda for_ms, late=late: [
                Sealer(STATION, kit.station_key, key) for key in late.sealing(for_ms)
            ],
            {SINK: "custody"}, dict, lambda: None, keep_master=False, distrust=late.reasons,
        )  # fmt: skip
        assert room.refusals() == ("no_sealing_key",)
        with pytest.raises(NoSealingKey):
            room.begin("en")
    assert store.open_packages() == []


def test_a_clock_behind_the_list_is_suspect_and_decides_nothing(kit, store, centre):
    """A station that wakes in 1970 neither trusts nor refuses keys by chance: it says so."""
    for moment in (0, now_ms() - 2 * DAY_MS):
        early = at(store, moment)

        assert early.reasons() == ("clock_suspect",)
        assert early.sealing() == ()
        assert early.days_left is None
    assert at(store, now_ms() - DAY_MS // 2).reasons() == ()


def test_from_thirty_days_before_the_end_it_says_so(kit, store, centre):
    """Long enough for somebody to bring a new list to a station without a network."""
    ends_ms = current_keys(store).sealing_ends_ms

    assert not at(store, ends_ms - 31 * DAY_MS).expiring
    soon = at(store, ends_ms - 29 * DAY_MS)
    assert soon.expiring
    assert round(soon.days_left) == 29
    assert soon.reasons() == ()


def test_the_list_says_which_clients_are_turned_away(kit, store, centre):
    """Stations are offline, so there is no other way to revoke a certificate."""
    assert centre.denied == frozenset()
    issue(kit.folder / "centre", listed(kit.folder / "centre")["keys"], {"collector-2"})
    accept_key_list(store, fresh(kit))

    assert centre.denied == {"collector-2"}


def said_of(row):
    return {
        "v": 1, "receipt_id": "r-1", "package_id": row.package_id, "station_id": STATION,
        "digest": row.digest, "size": row.size, "outcome": "stored", "code": None,
        "received_at": text(now_ms()), "by": "test",
    }  # fmt: skip


def test_receipts_count_by_listed_keys_and_the_time_when_they_were_signed(kit, store, centre):
    """Months on a stick do no harm; a key that had expired then, or was struck off, does not."""
    row_ = kit.hand_in(store, new_id())
    verifier = ReceiptVerifier(STATION, centre.receipts)
    given = (row_.package_id, row_.digest, row_.size)
    good = kit.keyring.sign_receipt(said_of(row_))
    late = {**said_of(row_), "received_at": text(now_ms() + 2 * YEAR_MS)}

    assert verifier.verify(good, *given).outcome == "stored"
    with pytest.raises(ReceiptInvalid, match="expired"):
        verifier.verify(kit.keyring.sign_receipt(late), *given)
    issue(kit.folder / "centre", [row("seal", 0, now_ms() + YEAR_MS),
                                  row("receipt", 0, now_ms() + YEAR_MS)])  # fmt: skip
    accept_key_list(store, fresh(kit))
    with pytest.raises(ReceiptInvalid):
        verifier.verify(good, *given)


@pytest.mark.parametrize("received_at", [None, "", "yesterday", "9999999-01-01", 3])
def test_a_receipt_without_a_time_is_held_against_now(kit, store, centre, received_at):
    """While the key is valid it counts; no time in it makes an expired key valid again."""
    row_ = kit.hand_in(store, new_id())
    said = kit.keyring.sign_receipt({**said_of(row_), "received_at": received_at})

    verified_ = ReceiptVerifier(STATION, centre.receipts).verify(
        said, row_.package_id, row_.digest, row_.size
    )
    assert verified_.outcome == "stored"


@pytest.mark.parametrize(
    "change",
    [
        {"use": "receipt"},
        {"kid": "another"},
        {"jwk": {"kty": "OKP", "crv": "Ed448", "x": "AAAA"}},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"jwk": "x"},
        {"not_after": "2030-01-01T00:00:00"},
        {"not_before": "soon"},
    ],
    ids=["wrong-use", "wrong-kid", "ed448", "symmetric", "no-jwk", "no-zone", "no-time"],
)
def test_a_signed_list_with_an_odd_key_is_refused_whole(kit, store, centre, change):
    """Half a list would be worse than the old one."""
    odd = {**row("seal", 0, now_ms() + YEAR_MS), **change}
    token = signed(
        {**listed(kit.folder / "centre"), "seq": 7, "keys": [odd]}, KEYS_TYP, root_key(kit)
    )

    with pytest.raises(SignatureInvalid):
        accept_key_list(store, token)
    assert current_keys(store).seq == 1


def test_a_private_key_in_a_list_is_refused(kit, store, centre):
    """A station that could open packages is misprovisioned."""
    odd = row("seal", 0, now_ms() + YEAR_MS)
    odd["jwk"] = OKPKey.generate_key("X25519").as_dict(private=True)
    token = signed(
        {**listed(kit.folder / "centre"), "seq": 7, "keys": [odd]}, KEYS_TYP, root_key(kit)
    )

    with pytest.raises(SignatureInvalid):
        accept_key_list(store, token)


def test_keys_of_uses_to_come_are_passed_over(kit, store, centre):
    """A list may bring what this release does not know."""
    rows = listed(kit.folder / "centre")["keys"]
    issue(kit.folder / "centre", [*rows, {"use": "seal-hybrid", "jwk": {"kty": "AKP"}}])
    accept_key_list(store, fresh(kit))

    assert len(current_keys(store).keys) == 2


def test_policies_are_lists_of_the_same_root_with_a_number_of_their_own(kit, store, centre):
    """A policy list is no key list, and neither number moves the other."""
    said = {"v": 1, "seq": 5, "issued_at": text(now_ms()), "policies": {}}
    token = signed(said, "anxin-policies+jws", root_key(kit))
    accept_list(store, "policies", token)

    assert current_token(store, "policies") == token
    assert current_keys(store).seq == 1
    with pytest.raises(SignatureInvalid):
        accept_key_list(store, token)
    with pytest.raises(Rollback):
        accept_list(
            store, "policies", signed({**said, "seq": 4}, "anxin-policies+jws", root_key(kit))
        )


def test_before_the_pin_nothing_is_taken(store):
    """No root, no list: neither from the network nor from a file."""
    with pytest.raises(SignatureInvalid, match="provision"):
        accept_key_list(store, "a.b.c")
    assert current_keys(store) is None
    assert PinnedCentre(store).reasons() == ("no_sealing_key",)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"jwk":{"kty":"OKP","crv":"X25519","x":"AA"}}'])
def test_a_pin_that_is_no_root_names_its_file(tmp_path, content):
    """And says which command makes it good."""
    (tmp_path / "root.json").write_bytes(content)
    with pytest.raises(KeyUnusable, match=r"root\.json.*provision"):
        read_root(tmp_path)


def test_the_one_file_of_earlier_releases_is_named_with_what_to_do(tmp_path):
    """`store.centre_keys` was a file once; an upgraded station says so in one sentence."""
    (tmp_path / "public.json").write_text("{}")
    with pytest.raises(KeyUnusable, match="folder with"):
        read_root(tmp_path / "public.json")


def test_the_centre_makes_the_next_key_by_itself_before_the_last_one_ends(tmp_path):
    """Both stand in the list, and packages to either open."""
    folder = tmp_path / "centre"
    keyring = open_or_make_keys(folder)
    rows = listed(folder)["keys"]
    soon = (datetime.now(UTC) + timedelta(days=40)).isoformat()
    issue(folder, [{**each, "not_after": soon} for each in rows])
    renewed = open_or_make_keys(folder)

    uses = [each["use"] for each in listed(folder)["keys"]]
    assert sorted(uses) == ["receipt", "receipt", "seal", "seal"]
    assert renewed.sealing.thumbprint() != keyring.sealing.thumbprint()
    assert renewed.opener(keyring.sealing.thumbprint())
    assert len(CentreKeys.load(folder).sealing) == 2
    open_or_make_keys(folder)
    assert len(listed(folder)["keys"]) == 4


def test_signatures_by_p256_count_where_the_key_is_p256(tmp_path):
    """ES256 and Ed25519 both; the key decides, so a token cannot ask for the other."""
    pairs = {"ES256": ECKey.generate_key("P-256"), "Ed25519": OKPKey.generate_key("Ed25519")}
    keys = {key.thumbprint(): key for key in pairs.values()}
    for algorithm, key in pairs.items():
        header = {"alg": algorithm, "typ": "t+jws", "kid": key.thumbprint()}
        token = jws.serialize_compact(header, b'{"v":1}', key, algorithms=[algorithm])

        assert verified(token, "t+jws", keys) == ({"v": 1}, key.thumbprint())
    ec, okp = pairs.values()
    crossed = jws.serialize_compact(
        {"alg": "ES256", "typ": "t+jws", "kid": okp.thumbprint()}, b'{"v":1}', ec,
        algorithms=["ES256"],
    )  # fmt: skip
    with pytest.raises(SignatureInvalid):
        verified(crossed, "t+jws", keys)


def test_a_pin_and_a_list_are_rows_of_the_audit_chain(kit, store, centre):
    """Who pinned what is on record, by key id alone."""
    acts = [json.loads(row.entry)["act"] for row in store.audit_rows()]

    assert acts == ["store.open", "centre.pin", "keys.accept"]
    audit.verify(store.audit_rows())


def test_no_private_half_ever_lies_where_stations_read(kit):
    """What the centre publishes is public, all of it."""
    folder = kit.folder / "centre"
    published = (folder / "root.json").read_text() + (folder / "keys.jws").read_text()
    for pem in (folder / "keys").glob("*.pem"):
        key = serialization.load_pem_private_key(pem.read_bytes(), None)
        raw = key.private_bytes_raw() if hasattr(key, "private_bytes_raw") else b"-"
        assert raw.hex() not in published
    assert '"d"' not in published
