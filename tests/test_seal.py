"""Sealed records against an independent implementation of RFC 9180."""

from __future__ import annotations

import json
import stat
import struct

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OKPKey
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey

from centre.opening import Record, Refused, check_header
from edge.seal import SUITE, Sealer, digest_of, manifest_payload, package_file, seal_part
from edge.trust.keys import KeyUnusable, SealingKey, StationKey
from edge.trust.signed_list import read_root
from tests.delivery_kit import STATION, make_kit, new_id

PRIVATE = X25519PrivateKey.generate()
KEY = SealingKey("kid-1", PRIVATE.public_key())
ORACLE = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES256_GCM)


def cut(record: bytes) -> tuple[bytes, bytes]:
    (length,) = struct.unpack_from(">I", record)
    return record[4 : 4 + length], record[4 + length :]


def oracle_opens(header: bytes, sealed: bytes) -> bytes:
    private = KEMKey.from_pyca_cryptography_key(PRIVATE)
    info = b"anxin-package/1\x00" + header
    return ORACLE.create_recipient_context(sealed[:32], private, info=info).open(sealed[32:])


@pytest.mark.parametrize("plain", [b"", b"x", bytes(1 << 20)])
def test_an_independent_implementation_opens_our_record(plain):
    """What we seal is RFC 9180, base mode, empty AAD, the header bound through `info`."""
    header, sealed = cut(seal_part("st-1", "p-1", 3, "part", KEY, plain))

    assert oracle_opens(header, sealed) == plain


def test_the_header_says_exactly_what_the_specification_lists():
    """Ids, place, kind, key, suite and size, in clear; nothing else."""
    header, sealed = cut(seal_part("st-1", "p-1", 3, "part", KEY, b"twelve bytes"))

    assert json.loads(header) == {
        "v": 1, "package_id": "p-1", "station_id": "st-1", "n": 3, "kind": "part", "kid": "kid-1",
        "kem": 32, "kdf": 1, "aead": 2, "size": len(sealed),
    }  # fmt: skip
    assert len(sealed) == 12 + 48


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_a_record_with_any_changed_bit_does_not_open(data):
    """Header and sealed bytes hold together: no bit of either can be changed."""
    record = bytearray(seal_part("st-1", "p-1", 0, "part", KEY, b"a fingerprint"))
    at = data.draw(st.integers(4, len(record) - 1))
    record[at] ^= 1 << data.draw(st.integers(0, 7))
    header, sealed = cut(bytes(record))

    # Curve25519 ignores the highest bit of an encoded point (RFC 7748), the key schedule does not.
    with pytest.raises(InvalidTag):
        SUITE.decrypt(sealed, PRIVATE, b"anxin-package/1\x00" + header)


@pytest.mark.parametrize(("n", "kind"), [(-1, "part"), (64, "part"), (0, "other")])
def test_an_impossible_place_or_kind_is_refused(n, kind):
    """A package has places 0 to 63 and two kinds of record."""
    with pytest.raises(ValueError, match="no record"):
        seal_part("st-1", "p-1", n, kind, KEY, b"")


def test_ids_that_burst_the_header_are_refused():
    """A header has at most 1 KiB."""
    with pytest.raises(ValueError, match="too long"):
        seal_part("s" * 1000, "p-1", 0, "part", KEY, b"")


def test_a_manifest_without_its_ids_is_refused():
    """A manifest that cannot be checked against the statement is never signed."""
    with pytest.raises(ValueError, match="previous"):
        manifest_payload(
            {"package_id": "p", "sitting_id": "s", "station_id": "t", "result": "r"}, []
        )


def test_the_file_is_the_magic_and_the_records_in_order():
    """Nothing frames the records but their own lengths."""
    assert package_file([b"one", b"two"]) == b"ANXPKG1\nonetwo"
    assert digest_of(b"") == "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"


def test_the_station_key_is_made_once_and_kept_secret(tmp_path):
    """The same file gives the same key; only the service's user can read it."""
    path = tmp_path / "keys" / "station.pem"
    first, second = StationKey.open_or_make(path), StationKey.open_or_make(path)

    assert first.kid == second.kid
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["station.pem"]


def test_the_kid_is_the_thumbprint_of_rfc_8037(tmp_path):
    """RFC 8037, appendix A.3: the example key has this RFC 7638 thumbprint."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    key = OKPKey.import_key(Ed25519PrivateKey.from_private_bytes(seed))
    path = tmp_path / "station.pem"
    path.write_bytes(key.as_pem(private=True))

    assert StationKey.open_or_make(path).kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_signature_names_algorithm_type_and_key(tmp_path):
    """RFC 9864's name "Ed25519"; the registration carries the public half alone."""
    key = StationKey.open_or_make(tmp_path / "station.pem")
    card = json.loads(key.registration("st-1"))
    token = key.sign_jws(b'{"a":1}', "anxin-seal+jws")
    public = OKPKey.import_key({name: card["keys"][0][name] for name in ("kty", "crv", "x")})
    signed = jws.deserialize_compact(token, public, algorithms=["Ed25519"])

    assert signed.headers() == {"alg": "Ed25519", "typ": "anxin-seal+jws", "kid": key.kid}
    assert signed.payload == b'{"a":1}'
    assert "d" not in card["keys"][0]


@pytest.mark.parametrize(
    "content", [b"", b"no key", bytes(range(190, 254))], ids=["empty", "words", "noise"]
)
def test_a_damaged_key_file_is_named(tmp_path, content):
    """The operator reads which file it is; nothing is made anew over it."""
    path = tmp_path / "station.pem"
    path.write_bytes(content)

    with pytest.raises(KeyUnusable, match=r"station\.pem"):
        StationKey.open_or_make(path)
    assert path.read_bytes() == content


class GoneSigner:
    """A TPM that was pulled while the station runs."""

    def __init__(self, key):
        self.public, self.algorithm = key.public, key.algorithm

    def sign(self, message):
        raise KeyUnusable("away")


def test_a_closing_that_cannot_be_signed_leaves_the_sitting_as_it_was(tmp_path):
    """Nothing is closed, numbered or lost; with its key back the same sitting closes."""
    kit = make_kit(tmp_path)
    gone = Sealer(STATION, StationKey(GoneSigner(kit.station_key)), kit.keys.sealing[0])
    with kit.open_store() as store:
        package_id = kit.fill(store, new_id())
        parts = store.parts(package_id)
        with pytest.raises(KeyUnusable):
            kit.shut(store, package_id, sealer=gone)

        assert store.parts(package_id) == parts
        assert store.counts()["ready"] == 0
        assert kit.shut(store, package_id).sequence == 1


@pytest.mark.parametrize("suite", [(25722, 1, 2), (0x0020, 1, 1), (0x0010, 1, 2), (0x0020, 2, 2)])
def test_a_suite_that_is_not_agreed_is_refused_by_its_numbers(suite):
    """Reserved or unknown: the receiver says `suite` and never tries; ours are the control."""
    statement = {"package_id": "p-1", "station_id": STATION, "kid": "kid-1"}
    header, sealed = cut(seal_part(STATION, "p-1", 0, "part", KEY, b"x"))
    record = Record(json.loads(header), header, sealed, b"")
    check_header(record, statement, last=False)
    odd = {**record.header, **dict(zip(("kem", "kdf", "aead"), suite, strict=True))}

    with pytest.raises(Refused, match="suite"):
        check_header(Record(odd, header, sealed, b""), statement, last=False)


def test_the_format_has_room_for_the_hybrid_with_ml_kem():
    """Its longer encapsulation fits in `sealed`: only the numbers in the header differ."""
    suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    private = MLKEM768X25519PrivateKey(MLKEM768PrivateKey.generate(), PRIVATE)
    header = b'{"kem":25722}'
    sealed = suite.encrypt(b"a fingerprint", private.public_key(), b"anxin-package/1\x00" + header)

    assert len(sealed) == len(b"a fingerprint") + 1136
    assert suite.decrypt(sealed, private, b"anxin-package/1\x00" + header) == b"a fingerprint"


def test_a_private_key_of_the_centre_is_refused(tmp_path):
    """A station that could open packages is misprovisioned: it says so and does not start."""
    jwk = OKPKey.generate_key("Ed25519").as_dict(private=True)
    (tmp_path / "root.json").write_text(json.dumps({"v": 1, "jwk": jwk}))

    with pytest.raises(KeyUnusable, match="destroy"):
        read_root(tmp_path)
