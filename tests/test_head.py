"""The head of a request: whole or not yet, and nothing that two readers could read differently."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.head import HEADER_BYTES_MAX, BadHead, Head, read_head

GET = b"GET / HTTP/1.1\r\nHost: a\r\n"
BODY_MAX = 1000


@given(
    st.lists(st.sampled_from([b"Accept: */*", b"X-A: b c", b"Cookie:", b"Accept: x"]), max_size=5),
    st.integers(0, BODY_MAX),
)
def test_a_head_is_whole_with_its_last_byte_and_not_before(lines: list[bytes], length: int):
    """However it comes in pieces: None until the blank line is there, then always the same."""
    head = GET + b"".join(line + b"\r\n" for line in lines) + b"Content-Length: %d\r\n\r\n" % length

    assert all(read_head(head[:n], BODY_MAX) is None for n in range(len(head)))
    assert read_head(head, BODY_MAX) == Head(len(head), length)
    assert read_head(head + b"more\r\n\r\n", BODY_MAX) == Head(len(head), length)


@pytest.mark.parametrize(
    "line",
    [
        b"Content-Length: 1\r\nContent-Length: 1", b"Content-Length: 1, 1", b"Content-Length: +1",
        b"Content-Length: -1", b"Content-Length: 1_0", b"Content-Length: 0x1", b"Content-Length:",
        b"Content-Length: 1\r\ncontent-length: 2", b"Content_Length: 1", b"Host: b",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", b"Content-Length : 1",
        b" Folded: line", b"\tFolded: line", b"No-Colon", b": no name", b"X-A: a\x00b",
        b"X-A: a\rb", b"X-A: a\nX-B: b", b"X\xc3\xa9: a", b"X(A: a", b"Origin: null\r\nOrigin: x",
        b"Authorization: a\r\nAuthorization: b", b"Sec_Fetch_Site: same-origin",
        b"Content-Length: 9999999999999999",
    ],
)  # fmt: skip
def test_what_two_readers_could_read_differently_is_refused(line: bytes):
    """Two lengths, two hosts, a folded line, a name that WSGI would take for another."""
    with pytest.raises(BadHead) as bad:
        read_head(GET + line + b"\r\n\r\n", BODY_MAX)

    assert bad.value.status == 400


@pytest.mark.parametrize("head", [b"GET / HTTP/1.1\nHost: a\n", b"\n", b"\r\n\r\n", b"\0\r\n\r\n"])
def test_what_is_no_head_is_refused_before_its_end_comes(head: bytes):
    """A head with line ends of one byte would never end."""
    with pytest.raises(BadHead) as bad:
        read_head(head, BODY_MAX)

    assert bad.value.status == 400


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /" + b"a" * HEADER_BYTES_MAX, 413),
        (GET + b"X: " + b"a" * HEADER_BYTES_MAX + b"\r\n\r\n", 413),
        (GET + b"Content-Length: 1001\r\n\r\n", 413),
    ],
    ids=["endless-line", "large-head", "large-body"],
)
def test_what_is_too_large_is_refused(head: bytes, status: int):
    """By what came, or by what is announced."""
    with pytest.raises(BadHead) as bad:
        read_head(head, BODY_MAX)

    assert bad.value.status == status


def test_chunked_bodies_and_those_that_wait_are_told():
    """Nobody waits for the body of the first; the second is asked for."""
    chunked = read_head(GET + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", BODY_MAX)
    waits = read_head(GET + b"Expect: 100-Continue\r\nContent-Length: 5\r\n\r\n", BODY_MAX)

    assert chunked
    assert (chunked.chunked, chunked.body_bytes) == (True, 0)
    assert waits
    assert (waits.waits, waits.body_bytes) == (True, 5)


@given(st.binary(max_size=300))
def test_no_bytes_at_all_bring_anything_but_a_head_a_refusal_or_patience(junk: bytes):
    """Whatever a client sends, the porch goes on."""
    for received in (junk, GET + junk, GET + junk + b"\r\n\r\n"):
        try:
            head = read_head(received, BODY_MAX)
        except BadHead:
            continue
        assert head is None or head.size <= len(received)
