"""An earlier photo before anybody sees it: the rule, today's sheet, and who has to vouch for it."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace

import numpy as np
import pytest

from drivers.camera import Frame
from edge.comparison import Compared, ComparisonFailed, NotComparable
from edge.orders.order import Order
from edge.photos.earlier import EarlierPhoto, NoOffer, Vouchers, judged, named_by, no_reuse, weigh
from edge.photos.lookup import PhotoLookup
from edge.reuse.check import COMPARE_TRIES, ReuseCheck
from edge.reuse.live_look import LiveLook
from edge.reuse.rule import Candidate, Offer, reuse_record
from edge.settings import load_document, load_reuse_policy
from edge.vision.client import Depth, Photo, Sight
from quality.face.outline import HeadOutline
from quality.measure import Native

CONTENT = b"\xff\xd8 as it came \xff\xd9"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
POLICY = load_reuse_policy()
SHEET = load_document("cn_exit_entry")
ORDER = Order(
    "sitting", "order", "ordinary_passport", applied_at="2026-11-22", born_on="1960-01-01",
    candidates=(Candidate("exit_entry", "2024-03-01", None, DIGEST),),
)  # fmt: skip
ANYBODY = Vouchers(attendant=True, matcher=True)


def policy(**changes):
    rule = POLICY.reuse["cn_elder"].model_copy(update=changes)
    return POLICY.model_copy(update={"reuse": {"cn_elder": rule}})


def offer(**changes) -> Offer:
    found = weigh(policy(**changes), ORDER, ORDER.candidates, ANYBODY)
    assert isinstance(found, Offer)
    return found


def photo(width_px=354, height_px=472, head_px=360.0, top_px=30.0, **natives) -> Photo:
    """A photo with a head of this height, in the sheet's own pixels."""
    scale = width_px / 354
    eye_y, chin_y = (top_px + head_px * 0.5) * scale, (top_px + head_px) * scale
    outline = HeadOutline(
        width_px=width_px,
        height_px=height_px,
        eye_left_px=(177 * scale - 50 * scale, eye_y),
        eye_right_px=(177 * scale + 50 * scale, eye_y),
        chin_px=(177 * scale, chin_y),
        ear_left_px=(177 * scale - 110 * scale, eye_y),
        ear_right_px=(177 * scale + 110 * scale, eye_y),
        roll_deg=0.0,
        hair_top_y_px=top_px * scale,
        head_left_x_px=177 * scale - 122 * scale,
        head_right_x_px=177 * scale + 122 * scale,
    )
    good = {name: Native(_inside(gate.still)) for name, gate in SHEET.gates.items()}
    sight = Sight(0, 0.0, 1, good | natives, outline, 1.0)
    return Photo(width_px, height_px, sight, b"preview")


def _inside(span) -> float:
    low = span.min if span.min is not None else (span.max or 0.0)
    high = span.max if span.max is not None else low
    return (low + high) / 2


@pytest.mark.parametrize(
    ("changes", "vouchers", "code"),
    [
        ({}, Vouchers(attendant=False, matcher=True), "no_attendant"),
        ({"same_person": "matcher"}, Vouchers(attendant=True, matcher=False), "no_matcher"),
        ({"same_person": "both"}, Vouchers(attendant=False, matcher=True), "no_attendant"),
        ({"same_person": "both"}, Vouchers(attendant=True, matcher=False), "no_matcher"),
        ({"enabled": False}, ANYBODY, "policy_disabled"),
    ],
)
def test_nothing_is_offered_that_nobody_could_vouch_for(changes, vouchers, code):
    """A person is not asked for a choice that ends in a refusal."""
    found = weigh(policy(**changes), ORDER, ORDER.candidates, vouchers)

    assert found == NoOffer(code, "cn_elder")


@pytest.mark.parametrize("applied_at", [None, "", "soon", "2026-13-01"])
def test_without_an_application_date_nothing_is_decided(applied_at):
    """Today is no substitute: the order's day counts, and it may have been another."""
    order = replace(ORDER, applied_at=applied_at)

    assert weigh(POLICY, order, order.candidates, ANYBODY).code == "application_date_unknown"
    assert weigh(None, ORDER, ORDER.candidates, ANYBODY).code == "reuse_off"


def test_only_the_very_bytes_of_a_candidate_count():
    """A digest decides which photo came; another's are none of the order's."""
    assert named_by(ORDER, CONTENT) == ORDER.candidates
    assert named_by(ORDER, CONTENT + b"\0") == ()


def test_a_photo_that_meets_today_s_sheet_fails_nothing():
    """The check above all others: what is good is not called bad."""
    found = judged(offer(geometry="require", recheck="strict"), CONTENT, photo(), [SHEET])

    assert isinstance(found, EarlierPhoto)
    assert found.failed == ()
    assert "HeadSize" not in {row.measure for row in found.readings[SHEET.id]}


def test_a_waived_geometry_is_recorded_and_refuses_nothing():
    """An identity card's photo cannot meet a passport's sheet, and is offered all the same."""
    card = photo(358, 441, head_px=400.0, top_px=10.0)
    found = judged(offer(), CONTENT, card, [SHEET])

    assert isinstance(found, EarlierPhoto)
    rows = {row.measure: row for row in found.readings[SHEET.id]}
    for rule in ("width", "height", "head_height", "margin_top"):
        assert rows[rule].verdict.value == "rejected", rule
        assert rows[rule].advisory
    assert found.failed == ()
    assert judged(offer(geometry="require"), CONTENT, card, [SHEET]).code == "geometry_failed"


def test_what_fails_today_is_shown_to_staff_and_refuses_only_where_the_policy_says_so():
    """Advisory: the attendant sees it and the person still chooses. Strict: a new photo."""
    blurred = photo(MouthClosed=Native(9.0), HeadPoseYaw=Native(30.0))
    found = judged(offer(), CONTENT, blurred, [SHEET])

    assert isinstance(found, EarlierPhoto)
    assert set(found.failed) >= {"HeadPoseYaw"}
    assert judged(offer(recheck="strict"), CONTENT, blurred, [SHEET]).code == "recheck_failed"


def test_a_photo_without_a_head_outline_cannot_meet_a_geometry():
    """What cannot be measured is not assumed."""
    flat = photo()
    headless = replace(flat, sight=replace(flat.sight, outline=None))

    assert isinstance(judged(offer(), CONTENT, headless, [SHEET]), EarlierPhoto)
    refused = judged(offer(geometry="require"), CONTENT, headless, [SHEET])
    assert refused.code == "geometry_failed"


def test_the_reason_in_the_record_names_the_policy_and_nothing_of_the_person():
    """Codes, policy, digest; neither birth date nor age."""
    said = no_reuse(POLICY, NoOffer("too_old", "cn_elder"))

    assert said == {
        "v": 1, "reason": "too_old", "comparison": None,
        "policy": {"id": "cn_elder", "version": POLICY.version, "sha256": POLICY.sha256},
    }  # fmt: skip
    assert no_reuse(None, NoOffer("reuse_off"))["policy"] is None


class Scripted:
    """The other end of a comparison: answers as a test says, or is lost."""

    def __init__(self, *answers: Compared | Exception) -> None:
        self.answers = list(answers)

    def compare(self, live: Frame, photo_jpeg: bytes, timeout_s: float) -> Compared:
        assert photo_jpeg == CONTENT
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        """Nothing runs."""


def compared(agrees: bool, calibrated: bool = True) -> Compared:
    return Compared("net 1", 0.6 if agrees else 0.2, 0.4, agrees, calibrated)


def check(same_person: str, *answers, attendant=True) -> ReuseCheck:
    """A check whose live look is there already."""
    earlier = judged(offer(same_person=same_person), CONTENT, photo(), [SHEET])
    begun = ReuseCheck(earlier, None, Scripted(*answers), attendant=attendant)
    begun.live = Frame(np.zeros((4, 4, 3), np.uint8), 1, 0.0)
    return begun


def test_an_attendant_s_policy_asks_no_matcher():
    """Faces are compared by a machine only where the policy wants it."""
    begun = check("attendant")

    assert begun.compare() is None
    assert begun.needs_staff
    signed = begun.signed("wu-7", same=True)
    assert (signed.method, signed.agreed, signed.value) == ("attendant", True, None)


def test_a_calibrated_matcher_decides_alone_where_the_policy_says_so():
    """Yes is yes and no is no, and both values go into the record."""
    yes, no = check("matcher", compared(agrees=True)), check("matcher", compared(agrees=False))
    agreed, refused = yes.compare(), no.compare()

    assert agreed is not None
    assert (agreed.agreed, agreed.value, agreed.threshold) == (True, 0.6, 0.4)
    assert reuse_record(offer(same_person="matcher"), agreed, "applicant", [])["comparison"]
    assert refused is not None
    assert not refused.agreed
    assert not yes.needs_staff


def test_a_matcher_that_was_not_calibrated_here_decides_nothing_alone():
    """Its yes wants an attendant's; without one nobody can say yes."""
    begun = check("matcher", compared(agrees=True, calibrated=False))
    assert begun.compare() is None
    assert begun.needs_staff
    assert not begun.given_up
    alone = check("matcher", compared(agrees=True, calibrated=False), attendant=False)
    assert alone.compare() is None
    assert alone.given_up


def test_both_means_the_matcher_first_and_then_the_attendant():
    """Either may refuse; the record has the value and who signed."""
    begun = check("both", compared(agrees=True))
    assert not begun.needs_staff
    assert begun.compare() is None
    assert begun.needs_staff
    signed = begun.signed("wu-7", same=True)
    record = reuse_record(offer(same_person="both"), signed, "proxy", [])

    assert record["comparison"] == {
        "method": "attendant+net 1", "value": 0.6, "threshold": 0.4, "attendant_id": "wu-7",
    }  # fmt: skip
    assert record["agreed_by"] == "proxy"
    refused = check("both", compared(agrees=False)).compare()
    assert refused is not None
    assert not refused.agreed


def test_a_matcher_that_is_lost_is_asked_again_and_then_no_more():
    """A failure is not a no; but nobody waits for ever."""
    begun = check("matcher", ComparisonFailed("lost"), compared(agrees=True))
    assert begun.compare() is None
    assert begun.live is not None
    assert not begun.given_up
    assert begun.compare().agreed
    hopeless = check("matcher", *[ComparisonFailed("lost")] * COMPARE_TRIES)
    for _ in range(COMPARE_TRIES):
        assert hopeless.compare() is None

    assert hopeless.given_up


def test_a_look_that_cannot_be_compared_is_taken_again_and_such_a_photo_never():
    """Another look may be better; the photo stays what it is."""
    look = check("matcher", NotComparable("live", "face_too_small"))
    assert look.compare() is None
    assert (look.live, look.given_up) == (None, False)
    photo_ = check("matcher", NotComparable("photo", "no_face"))

    assert photo_.compare() is None
    assert photo_.given_up


class Eye:
    """Camera and worker of a live look: one sight a step."""

    def __init__(self, *sights: tuple[int, dict[str, float]]) -> None:
        self.sights = list(sights)
        self.number = 0

    def wait_frame(self, after: int, timeout_s: float) -> Frame | None:
        self.number += 1
        return Frame(np.zeros((4, 4, 3), np.uint8), self.number, 0.0) if self.sights else None

    def look(self, frame: Frame, depth: Depth, timeout_s: float) -> Sight:
        faces, natives = self.sights.pop(0)
        values = {name: Native(value) for name, value in natives.items()}
        return Sight(frame.sequence, 0.0, faces, values, None, 1.0)


NEAR = {"InterEyeDistance": 90.0, "HeadPoseYaw": 1.0}


@pytest.mark.parametrize(
    ("sight", "hint"),
    [
        ((0, {}), "portrait.no_face"),
        ((2, NEAR), "portrait.many_faces"),
        ((1, NEAR | {"InterEyeDistance": 40.0}), "portrait.too_far"),
        ((1, NEAR | {"HeadPoseYaw": 25.0}), "portrait.turn_right"),
        ((1, NEAR | {"HeadPoseYaw": -25.0}), "portrait.turn_left"),
    ],
)
def test_the_live_look_is_of_one_person_near_enough_and_not_turned_away(sight, hint):
    """Until then one hint at a time; a picture of two people is never compared."""
    eye = Eye(sight, (1, NEAR))
    look = LiveLook(eye, eye)
    first = look.step()
    assert first.hint is not None
    assert (first.hint.value, first.frame) == (hint, None)

    assert look.step().frame is not None
    assert not look.step().fresh


def test_who_cannot_hold_the_pose_is_looked_at_all_the_same(monkeypatch):
    """After a while the one person who is there is looked at as she is; two never are."""
    monkeypatch.setattr("edge.reuse.live_look.PATIENT_S", 0.0)
    turned = NEAR | {"HeadPoseYaw": 60.0}
    eye = Eye((2, turned), (1, turned))
    look = LiveLook(eye, eye)

    assert look.step().frame is None
    assert look.step().frame is not None


def test_what_a_look_up_found_is_handed_over_once():
    """Whoever took it holds it; nothing of it is left behind."""
    lookup = PhotoLookup(lambda _: CONTENT, 5.0)
    first = lookup.take(5.0)
    second = lookup.take(0.0)
    lookup.close()

    assert first == CONTENT
    assert second is None


def test_a_look_up_that_fails_or_dawdles_is_a_photo_that_is_not_here():
    """Nobody waits for a network, and what was dropped is not kept."""
    gate = threading.Event()

    def fails(_: float) -> bytes:
        raise OSError("no route")

    def dawdles(timeout_s: float) -> bytes:
        assert gate.wait(timeout_s)
        return CONTENT

    failed, late, prompt = (
        PhotoLookup(fails, 5.0), PhotoLookup(dawdles, 5.0), PhotoLookup(lambda _: CONTENT, 5.0)
    )  # fmt: skip
    assert failed.take(5.0) is None
    assert late.take(0.0) is None
    assert prompt.take(5.0) == CONTENT
    assert prompt.take(0.0) is None
    gate.set()
    for lookup in (failed, late, prompt):
        lookup.close()
    assert late.take(0.0) is None
