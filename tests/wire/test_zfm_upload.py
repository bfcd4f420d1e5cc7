"""One upload, whatever pieces and whatever damage the line delivers it in."""

from __future__ import annotations

import threading
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import zfm_stream
from drivers.errors import DeviceError, DeviceTimeout, ProtocolViolation
from drivers.zfm_line import Limits, ZfmLine
from drivers.zfm_model import Config
from drivers.zfm_packets import ANY_ADDRESS, Kind, Opcode, Packet, stream
from drivers.zfm_size import LARGEST_BYTES
from drivers.zfm_speed import Speed
from drivers.zfm_stream import Upload, stream_limit_s, upload
from drivers.zfm_upload import Uploads
from tests.wire.glass import random_pixels

CONTENT = random_pixels(48, 20)
ACCEPTED = Packet(Kind.ACKNOWLEDGE, b"\x00").to_bytes()
QUICK = Limits(answer_s=0.3, handshake_s=0.3, gap_s=0.1)


class Wire:
    """A line that delivers what is written here, piece by piece, and then nothing."""

    path = "a wire"
    speed_fixed = True
    baud = 10_000_000

    def __init__(self, *answers: list[bytes]) -> None:
        self._answers = list(answers)
        self._pieces: list[bytes] = []

    def read(self, limit_s: float, rest_s: float = 0.0) -> bytes:
        if self._pieces:
            return self._pieces.pop(0)
        time.sleep(max(0.0, min(limit_s, 0.001)))
        return b""

    def write(self, _content: bytes) -> None:
        self._pieces = self._answers.pop(0) if self._answers else []

    def drop_input(self) -> None:
        self._pieces = []


def line_on(*answers: list[bytes], limits: Limits = QUICK) -> ZfmLine:
    """Return a line on which each command is answered by the next of these."""
    return ZfmLine(Wire(*answers), ANY_ADDRESS, limits)


def fetched(*answers: list[bytes], expected_bytes: int | None = len(CONTENT)) -> Upload:
    """Fetch one image from such a line."""
    return upload(line_on(*answers), expected_bytes, lambda _: None, threading.Event())


def sent(packet_bytes: int) -> bytes:
    """Return what a module sends for the image."""
    return ACCEPTED + b"".join(one.to_bytes() for one in stream(CONTENT, packet_bytes))


def pieces_of(rest: bytes, draw: st.DataObject) -> list[bytes]:
    """Cut bytes into pieces of any size."""
    cuts = draw.draw(st.lists(st.integers(1, len(rest)), max_size=12).map(sorted))
    edges = [0, *cuts, len(rest)]
    return [rest[a:b] for a, b in pairwise(edges) if a < b]


@given(st.sampled_from([32, 64, 128, 256]), st.data())
def test_an_image_survives_any_split_of_its_bytes(packet_bytes, data):
    """Whatever pieces come, in packets of any size: the same image, and no fault."""
    assert fetched(pieces_of(sent(packet_bytes), data)) == Upload(CONTENT)


@given(st.sampled_from([32, 256]), st.sampled_from(["flip", "drop", "double"]), st.data())
def test_no_single_damage_passes_for_a_clean_image(packet_bytes, harm, data):
    """A byte changed, lost or doubled: no image, or one that is not believed alone."""
    rest = bytearray(sent(packet_bytes))
    at = data.draw(st.integers(len(ACCEPTED), len(rest) - 1))
    if harm == "flip":
        rest[at] ^= 1 << data.draw(st.integers(0, 7))
    elif harm == "drop":
        del rest[at]
    else:
        rest.insert(at, rest[at])
    got = fetched(pieces_of(bytes(rest), data))

    assert got.fault or got.content == CONTENT
    assert got.content in (None, CONTENT)


@given(st.binary(min_size=1, max_size=64).filter(lambda noise: b"\xef" not in noise), st.data())
def test_noise_between_packets_leaves_an_image_that_is_not_believed_alone(noise, data):
    """The packets are all there, and so is the proof that the line is not clean."""
    packets = [one.to_bytes() for one in stream(CONTENT, 64)]
    packets.insert(data.draw(st.integers(0, len(packets) - 1)), noise)
    got = fetched([ACCEPTED, *packets])

    assert got.content == CONTENT
    assert "belonged to no packet" in got.fault


def test_two_faulty_uploads_that_agree_are_believed():
    """Noise each time, the same image each time: two uploads, not one."""
    noisy = [ACCEPTED, b"noise", sent(256)[len(ACCEPTED) :]]
    uploads = Uploads(
        line_on(noisy, list(noisy)), len(CONTENT), lambda: False, lambda _: None, threading.Event()
    )

    assert uploads.trusted() == CONTENT


def test_the_two_that_agree_need_not_be_neighbours():
    """Damage that keeps every sum in between costs no more than its own upload."""
    other = random_pixels(48, 20, 2)
    answers = [
        [ACCEPTED, b"noise", *(one.to_bytes() for one in stream(content, 256))]
        for content in (CONTENT, other, CONTENT)
    ]
    uploads = Uploads(
        line_on(*answers), len(CONTENT), lambda: False, lambda _: None, threading.Event()
    )

    assert uploads.trusted() == CONTENT


def test_two_faulty_uploads_that_differ_are_not():
    """Three that all differ are three reasons to believe none."""
    others = [random_pixels(48, 20, seed) for seed in (1, 2, 3)]
    answers = [
        [ACCEPTED, b"noise", *(one.to_bytes() for one in stream(other, 256))] for other in others
    ]
    uploads = Uploads(
        line_on(*answers), len(CONTENT), lambda: False, lambda _: None, threading.Event()
    )

    with pytest.raises(ProtocolViolation, match="no image could be trusted"):
        uploads.trusted()


def doubled(content: bytes, at: int, packet_bytes: int = 64) -> list[bytes]:
    """Return what comes if one packet is lost and the one before it doubled: sums and total fit."""
    packets = [one.to_bytes() for one in stream(content, packet_bytes)]
    packets[at] = packets[at - 1]
    return [ACCEPTED, *packets]


def test_a_module_that_doubles_packets_alike_is_never_believed():
    """Three uploads that agree to the byte are one wrong image three times."""
    wrong = doubled(CONTENT, 3)
    uploads = Uploads(
        line_on(*(list(wrong) for _ in range(3))), len(CONTENT), lambda: False, lambda _: None,
        threading.Event(),
    )  # fmt: skip

    with pytest.raises(ProtocolViolation, match="neighbouring packets are equal"):
        uploads.trusted()


def test_the_true_image_after_a_doubled_packet_is_believed_the_second_time():
    """The doubled one is a fault like any other: two whole uploads must agree."""
    good = [sent(64)]
    uploads = Uploads(
        line_on(doubled(CONTENT, 3), good, list(good)), len(CONTENT), lambda: False,
        lambda _: None, threading.Event(),
    )  # fmt: skip

    assert uploads.trusted() == CONTENT


@pytest.mark.parametrize(("greys", "believed"), [(b"\xee\xef", True), (b"\xdd\xdf", False)])
def test_bare_glass_of_two_greys_is_believed_when_it_comes_again(greys, believed):
    """A small press leaves rows of bare glass that are equal; no ridge has one step of contrast."""
    content = CONTENT[:128] + greys * 64 + CONTENT[256:]
    answer = [ACCEPTED, *(one.to_bytes() for one in stream(content, 64))]
    uploads = Uploads(
        line_on(*(list(answer) for _ in range(3))), len(content), lambda: False, lambda _: None,
        threading.Event(),
    )  # fmt: skip

    if believed:
        assert uploads.trusted() == content
    else:
        with pytest.raises(ProtocolViolation, match="neighbouring packets are equal"):
            uploads.trusted()


def test_an_upload_command_that_was_lost_is_sent_again():
    """Silence, but the handshake is answered: a fault of the line, not the end of the reader."""
    good = [sent(256)]
    uploads = Uploads(
        line_on([], [ACCEPTED], good, list(good)), len(CONTENT), lambda: False,
        lambda _: None, threading.Event(),
    )  # fmt: skip

    assert uploads.trusted() == CONTENT


def test_a_module_that_is_silent_to_an_upload_and_to_a_greeting_is_gone():
    """A person waits: it is not asked three times."""
    uploads = Uploads(line_on(), len(CONTENT), lambda: True, lambda _: None, threading.Event())

    with pytest.raises(DeviceTimeout, match="UP_IMAGE"):
        uploads.trusted()


def test_what_was_fetched_before_the_step_down_still_counts():
    """Three uploads brought one intact image beside a fault; the slower speed brings it again."""
    noisy = [ACCEPTED, b"noise", sent(256)[len(ACCEPTED) :]]
    empty = [ACCEPTED]
    asked: list[str] = []
    uploads = Uploads(
        line_on(noisy, empty, list(empty), [sent(256)]), len(CONTENT),
        lambda: asked.append("slower") is None, lambda _: None, threading.Event(),
    )  # fmt: skip

    assert uploads.trusted() == CONTENT
    assert asked == ["slower"]


@pytest.mark.parametrize("other_bytes", [len(CONTENT) - 100, len(CONTENT) + 100])
def test_another_size_is_named_after_two_that_are_the_same(other_bytes):
    """A module of another model, not a bad line: no third upload, and no slower speed."""
    other = random_pixels(other_bytes, 1)
    answer = [ACCEPTED, *(one.to_bytes() for one in stream(other, 256))]
    asked: list[str] = []
    uploads = Uploads(
        line_on(answer, list(answer)), len(CONTENT), lambda: asked.append("slower") is None,
        lambda _: None, threading.Event(),
    )  # fmt: skip

    with pytest.raises(DeviceError, match=f"{other_bytes} bytes come, twice the same"):
        uploads.trusted()
    assert asked == []


def test_counts_that_change_are_a_bad_line():
    """A packet lost here and another there: the line's fault, so a slower speed is tried."""
    packets = [one.to_bytes() for one in stream(CONTENT, 256)]
    answers = [[ACCEPTED, *packets[:at], *packets[at + 1 :]] for at in (0, 1, 2)]
    asked: list[str] = []
    uploads = Uploads(
        line_on(*answers), len(CONTENT), lambda: bool(asked.append("slower")),
        lambda _: None, threading.Event(),
    )  # fmt: skip

    with pytest.raises(ProtocolViolation, match="bytes instead of 960"):
        uploads.trusted()
    assert asked == ["slower"]


def test_a_line_that_outruns_its_speed_is_not_slept_on():
    """A module on USB sends at once what 57600 baud would take seven seconds for."""

    class Fast(Wire):
        baud = 57_600
        rests_s = 0.0

        def read(self, limit_s: float, rest_s: float = 0.0) -> bytes:
            self.rests_s += rest_s
            return super().read(limit_s, rest_s)

    content = random_pixels(256, 144)
    packets = b"".join(one.to_bytes() for one in stream(content, 256))
    wire = Fast([ACCEPTED, *(packets[n : n + 1000] for n in range(0, len(packets), 1000))])
    line = ZfmLine(wire, ANY_ADDRESS, QUICK)
    got = upload(line, len(content), lambda _: None, threading.Event())

    assert got == Upload(content)
    assert wire.rests_s < 2.0


def test_a_flood_of_noise_ends_with_the_images_time():
    """Whatever comes without an end, the deadline does: 1.25 times the line's time and 2 s."""

    class Flood(Wire):
        reads = 0

        def read(self, limit_s: float, rest_s: float = 0.0) -> bytes:
            time.sleep(0.001)
            self.reads += 1
            assert self.reads < 30_000, "nobody stopped listening"
            return super().read(limit_s, rest_s) or b"\x55" * 64

    line = ZfmLine(Flood([sent(256)[:300]]), ANY_ADDRESS, QUICK)
    got = upload(line, len(CONTENT), lambda _: None, threading.Event())

    assert got.content is None
    assert got.fault


@pytest.mark.parametrize(
    "drop", [b"\x00", Packet(Kind.DATA, b"").to_bytes()], ids=["noise", "empty packets"]
)
def test_what_drips_for_ever_behind_a_whole_image_ends_with_the_images_time(monkeypatch, drop):
    """A module that sends no END is waited for in silence; this one is never silent."""
    monkeypatch.setattr(zfm_stream, "stream_limit_s", lambda *_: 0.3)

    class Drip(Wire):
        drops = 0

        def read(self, limit_s: float, rest_s: float = 0.0) -> bytes:
            time.sleep(0.005)
            self.drops += 1
            assert self.drops < 5000, "nobody stopped listening"
            return super().read(limit_s, rest_s) or drop

    packets = [Packet(Kind.DATA, one.payload).to_bytes() for one in stream(CONTENT, 256)]
    line = ZfmLine(Drip([ACCEPTED, *packets]), ANY_ADDRESS, QUICK)
    got = upload(line, len(CONTENT), lambda _: None, threading.Event())

    assert got.content is None
    assert got.fault


@pytest.mark.parametrize("payload_bytes", [0, 256])
def test_packets_without_an_end_are_not_kept_for_ever(monkeypatch, payload_bytes):
    """A serial server that lies delivers megabytes a second, each packet with a right sum."""
    monkeypatch.setattr(zfm_stream, "stream_limit_s", lambda *_: 1.0)
    kept: list[int] = []
    flood = [Packet(Kind.DATA, random_pixels(payload_bytes, 1, n)).to_bytes() for n in range(2)]

    class Flood(Wire):
        def read(self, limit_s: float, rest_s: float = 0.0) -> bytes:
            return super().read(limit_s, rest_s) or b"".join(flood * 8)

    class Counted(zfm_stream._Stream):
        def _cut(self) -> None:
            super()._cut()
            kept.append(self._content_bytes + len(self._payloads))

    monkeypatch.setattr(zfm_stream, "_Stream", Counted)
    line = ZfmLine(Flood([ACCEPTED]), ANY_ADDRESS, QUICK)
    got = upload(line, None, lambda _: None, threading.Event())

    assert got == Upload(None, "the stream stopped")
    assert max(kept) <= 2 * LARGEST_BYTES + 257


@pytest.mark.parametrize("kind", [Kind.ACKNOWLEDGE, Kind.COMMAND])
def test_a_packet_that_belongs_to_no_image_spoils_the_image_it_is_in(kind):
    """Every packet of the image is there, and so is the proof that the line is not clean."""
    packets = [one.to_bytes() for one in stream(CONTENT, 256)]
    packets.insert(2, Packet(kind, b"\x00").to_bytes())

    assert fetched([ACCEPTED, *packets]).fault == f"a packet of kind {kind.name} inside the image"


@pytest.mark.parametrize("kind", [Kind.DATA, Kind.END, Kind.COMMAND])
def test_only_an_acknowledge_answers_a_command(kind):
    """The rest of an old image, or our own words on a line of one wire: they say nothing new."""
    stray = Packet(kind, b"\x02").to_bytes()

    assert line_on([stray, ACCEPTED]).ask_once(Opcode.GET_IMAGE) == b"\x00"


@pytest.mark.parametrize(
    "flood", [b"\x55" * 64, Packet(Kind.DATA, b"\x0f" * 32).to_bytes()], ids=["noise", "data"]
)
@pytest.mark.parametrize("stale_s", [0.0, 0.2])
def test_who_is_never_silent_hides_an_answer_only_for_its_time(flood, stale_s):
    """Noise, or packets of an image for ever, before the command or after it: a time-out."""

    class Flood(Wire):
        reads = 0

        def read(self, limit_s: float, rest_s: float = 0.0) -> bytes:
            time.sleep(0.001)
            self.reads += 1
            assert self.reads < 10_000, "nobody stopped listening"
            return flood

    line = ZfmLine(Flood(), ANY_ADDRESS, QUICK)
    line.expect_stale(stale_s)

    with pytest.raises(DeviceTimeout, match="GET_IMAGE"):
        line.ask_once(Opcode.GET_IMAGE)


def test_a_port_is_listened_to_before_the_first_word():
    """A module that has just got its power says a bare 55, and hears nothing yet."""
    did: list[str] = []

    class Listening(Wire):
        path = "a wire that is listened to"

        def drain(self, _silence_s: float, _limit_s: float) -> int:
            did.append("listened")
            return 0

        def write(self, content: bytes) -> None:
            did.append("spoke")
            super().write(content)

    config = Config(port="/dev/null", model="test", resolution_ppi=500)
    Speed(ZfmLine(Listening([ACCEPTED]), ANY_ADDRESS, QUICK), config).find()

    assert did[:2] == ["listened", "spoke"]


def test_nothing_is_said_while_an_image_that_nobody_wants_is_under_way():
    """UpImage cannot be stopped: the next command waits for the old image's end."""
    spoke_over: list[int] = []
    cancelled = threading.Event()

    class Busy(Wire):
        def write(self, content: bytes) -> None:
            spoke_over.append(len(self._pieces))
            super().write(content)

        def drop_input(self) -> None:
            # What has not arrived yet cannot be dropped.
            self._pieces = self._pieces[1:]

    pieces = [ACCEPTED, *(one.to_bytes() for one in stream(CONTENT, 32))]
    line = ZfmLine(Busy(pieces, [ACCEPTED]), ANY_ADDRESS, QUICK)
    got = upload(line, len(CONTENT), lambda _: cancelled.set(), cancelled)
    answer = line.ask_once(Opcode.GET_IMAGE)

    assert (got, answer) == (Upload(None), b"\x00")
    assert spoke_over == [0, 0]


def test_an_image_of_unknown_size_has_the_time_of_the_largest(monkeypatch):
    """Else a slow line would be cut off before a size could be counted."""
    asked: list[tuple[int, int]] = []

    def limit_s(content_bytes: int, baud: int) -> float:
        asked.append((content_bytes, baud))
        return 2.0

    monkeypatch.setattr(zfm_stream, "stream_limit_s", limit_s)

    assert fetched([sent(256)], expected_bytes=None) == Upload(CONTENT)
    assert asked == [(LARGEST_BYTES, Wire.baud)]


def test_a_module_of_another_address_answers_nobody():
    """Two modules may share a line: the other one's answers, however many, are not ours."""
    other = Packet(Kind.ACKNOWLEDGE, b"\x00", address=1).to_bytes()

    with pytest.raises(DeviceTimeout, match="UP_IMAGE"):
        upload(line_on([other] * 20, [other] * 20), None, lambda _: None, threading.Event())


def test_a_late_process_takes_what_came_while_it_slept():
    """The machine was busy for longer than a gap: the bytes are there, and they are taken."""

    class Late(Wire):
        def read(self, limit_s: float, rest_s: float = 0.0) -> bytes:
            time.sleep(0.03)
            return super().read(limit_s, rest_s)

    line = ZfmLine(Late([ACCEPTED, sent(256)[len(ACCEPTED) :]]), ANY_ADDRESS, Limits(gap_s=0.01))

    assert upload(line, len(CONTENT), lambda _: None, threading.Event()) == Upload(CONTENT)


def test_an_image_may_take_a_quarter_more_than_its_line_and_two_seconds():
    """In the smallest packets, which a module may use without telling."""
    assert stream_limit_s(36_864, 57_600) == pytest.approx(1.25 * 8.60 + 2.0, abs=0.01)
    assert stream_limit_s(36_864, 921_600) == pytest.approx(1.25 * 0.54 + 2.0, abs=0.01)
