"""The search of a stolen disk: one that finds nothing anywhere would prove nothing."""

from __future__ import annotations

import base64
import hashlib
import os

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from proofs import disk_search
from proofs.disk_search import SIGNATURES, Search, keys_in, pieces, signatures, written

NAME = "欧阳测试一"
SAMPLE = hashlib.shake_128(b"a sample").digest(4000)
MIDDLE = SAMPLE[1990:2100]
PLANTED = {
    "UTF-8": NAME.encode(),
    "UTF-16 LE": NAME.encode("utf-16-le"),
    "UTF-16 BE": NAME.encode("utf-16-be"),
    "GBK": NAME.encode("gbk"),
    "hex": NAME.encode().hex().encode(),
    "base64": base64.b64encode(NAME.encode()),
    "base64, one before": base64.b64encode(b"x" + NAME.encode()),
    "base64, two before": base64.b64encode(b"xy" + NAME.encode()),
    "URL": b"%E6%AC%A7%E9%98%B3%E6%B5%8B%E8%AF%95%E4%B8%80",
    "JSON": b"\\u6b27\\u9633\\u6d4b\\u8bd5\\u4e00",
    "a sample": MIDDLE,
    "a sample in hex": MIDDLE.hex().encode(),
    "a sample in base64": base64.b64encode(MIDDLE),
    "a sample in base64, one before": base64.b64encode(b"x" + MIDDLE),
    "a sample in base64, two before": base64.b64encode(b"xy" + MIDDLE),
    **SIGNATURES,
    "JPEG with tables first": b"\xff\xd8\xff\xdb\x00C\x00\x03\x02",
}


@pytest.fixture(scope="module")
def search():
    return Search([*signatures(), *written(1, "name", NAME), *pieces(1, "a sample", SAMPLE)])


@pytest.mark.parametrize("what", PLANTED)
def test_each_form_is_found_wherever_it_lies(search, tmp_path, monkeypatch, what):
    """Across the border of two reads, and behind a hole; and nothing is found where nothing is."""
    monkeypatch.setattr(disk_search, "CHUNK_BYTES", 1 << 16)
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(1 << 20)
        file.seek(1 << 19)
        file.write(os.urandom((1 << 16) - 5) + PLANTED[what] + os.urandom(100))
    empty = tmp_path / "empty"
    empty.write_bytes(os.urandom(1 << 17))

    assert search.found_in(image)
    assert search.found_in(empty) == []


def test_what_is_found_says_whose_it_is(tmp_path):
    """Of two people only the one whose name lies there."""
    image = tmp_path / "image"
    image.write_bytes(b"order of " + NAME.encode())
    both = Search([*written(1, "name", NAME), *written(2, "name", "司马徽之二")])

    assert {needle.whose for needle in both.found_in(image)} == {1}


def test_every_key_that_lies_on_a_disk_is_found(tmp_path):
    """Bare, in PEM, in hex, in base64 and in the base64 of a JWK."""
    private = X25519PrivateKey.generate()
    raw = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    hexed, coded, jwk = os.urandom(32), os.urandom(32), os.urandom(32)
    (tmp_path / "store.key").write_bytes(bytes(range(32)))
    (tmp_path / "some.pem").write_bytes(b"a note\n" + pem)
    (tmp_path / "note.txt").write_text(f"key: {hexed.hex()} or {base64.b64encode(coded).decode()}")
    url = base64.urlsafe_b64encode(jwk).rstrip(b"=").decode()
    (tmp_path / "key.json").write_text(f'{{"d":"{url}"}}')

    assert set(keys_in(tmp_path)) >= {bytes(range(32)), raw, hexed, coded, jwk}
