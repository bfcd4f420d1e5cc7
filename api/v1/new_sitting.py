"""The body of `POST /v1/sittings`, and how one is changed: what may be asked for, nothing else."""

from __future__ import annotations

import base64
import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from api.problems import FieldError, Refused
from edge.orders import Wanted
from edge.orders.order import Preferences as Wishes
from edge.photos.fault import PHOTO_BYTES_MAX
from edge.reuse.rule import Candidate
from edge.settings import EXTRA_PARTS_MAX, FingerPosition, RecordKind

STANDS_MAX: Final = timedelta(days=31)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CIVIL: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_STAMP: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})")
_OURS: Final = re.compile(r"[a-z_]{1,32}")


class Asked(BaseModel):
    """Base of every JSON body: unknown members are refused, types are not guessed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) != len(names):
        raise ValueError("each may stand there once")
    return names


def _day_or_stamp(text: str) -> str:
    if _CIVIL.fullmatch(text):
        date.fromisoformat(text)
    elif _STAMP.fullmatch(text):
        datetime.fromisoformat(text)
    else:
        raise ValueError("a date, or a time with its offset from UTC")
    return text


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
Line = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[^\x00-\x1f\x7f]*$")]
When = Annotated[str, Field(max_length=40), AfterValidator(_day_or_stamp)]


class ReusePhoto(Asked):
    """An earlier photo that may be taken over; its bytes come with `PUT …/reuse-photo`."""

    source: Annotated[Name, Field(description="Where it comes from: `exit_entry`, `resident_id`.")]
    taken_at: Annotated[
        When | None, Field(description="When it was taken: a date, or a time with its offset.")
    ] = None
    issued_at: Annotated[
        When | None, Field(description="When the document that shows it was issued.")
    ] = None
    digest: Annotated[
        str,
        Field(
            pattern=r"^sha-256=:[A-Za-z0-9+/]{43}=:$",
            description="Of its bytes, RFC 9530: `sha-256=:BASE64:`.",
        ),
    ]
    size: Annotated[
        int | None, Field(ge=1, le=PHOTO_BYTES_MAX, description="Of its bytes, 2 MiB at most.")
    ] = None


class Fingers(Asked):
    """Which fingers are wanted."""

    profile: Annotated[
        Name | None,
        Field(description="Order, number and stand-ins: a profile that the station knows."),
    ] = None
    positions: Annotated[
        Annotated[tuple[FingerPosition, ...], AfterValidator(_each_once)] | None,
        Field(max_length=10, description="In place of the profile's, in this order; empty: none."),
    ] = None
    minimum: Annotated[
        int | None,
        Field(ge=0, le=10, description="With so many nothing of fingers counts as missing."),
    ] = None
    records: Annotated[
        Annotated[tuple[RecordKind, ...], AfterValidator(_each_once)] | None,
        Field(max_length=4, description="Beside the PNG; absent: the station's own."),
    ] = None


class Person(Asked):
    """Who comes. Kept encrypted, erased when the order ends, never said again."""

    surname: Annotated[Line | None, Field(description="For the greeting; never a full name.")] = (
        None
    )
    honorific: Annotated[Line | None, Field(description="For the greeting.")] = None
    born_on: Annotated[date | None, Field(description="Civil date; the reuse rule needs it.")] = (
        None
    )
    slip_code: Annotated[
        str | None, Field(pattern=r"^\d{6}$", description="The day's number on the person's slip.")
    ] = None


class Preferences(Asked):
    """What suits the person; the station does what it can and notes the rest in the package."""

    text_scale: Annotated[
        float | None,
        Field(ge=1.0, le=2.0, description="Size of the screen's text, 1.0 the ordinary one."),
    ] = None
    voice: Annotated[bool | None, Field(description="Lines are spoken.")] = None
    language: Annotated[
        str | None,
        Field(
            pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$",
            description="Tag of RFC 5646, such as `zh-CN` or `yue`.",
        ),
    ] = None
    seated: Annotated[bool | None, Field(description="The person stays seated.")] = None
    contrast: Annotated[bool | None, Field(description="Colours with the greatest contrast.")] = (
        None
    )


class Proxy(Asked):
    """A relative who may act in the person's place; face and fingers stay the person's own."""

    relation: Annotated[Name | None, Field(description="A code of who that is: `daughter`.")] = None
    authorisation_ref: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
            description="Of the letter, where the centre has it already; absent: it is shown.",
        ),
    ] = None


class NewSitting(Asked):
    """One order: a sitting for one person."""

    order_ref: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
            description="The centre's own reference; sealed into the package, never said again.",
        ),
    ]
    applies_for: Annotated[
        Name | None,
        Field(description="What is applied for, in the reuse rule's words: `ordinary_passport`."),
    ] = None
    applied_on: Annotated[
        date | None, Field(description="Civil date of the application; else that of the order.")
    ] = None
    documents: Annotated[
        tuple[Name, ...],
        AfterValidator(_each_once),
        Field(max_length=16, description="Photo documents; empty: the station's own."),
    ] = ()
    fingers: Annotated[Fingers | None, Field(description="Absent: the station's own.")] = None
    reuse_photo: Annotated[
        ReusePhoto | None, Field(description="The earlier photo that the centre prefers.")
    ] = None
    further_photos: Annotated[
        tuple[ReusePhoto, ...], Field(max_length=3, description="Others that might do.")
    ] = ()
    person: Annotated[Person | None, Field(description="Who comes.")] = None
    proxy_expected: Annotated[
        bool, Field(description="A relative was announced who may act in the person's place.")
    ] = False
    proxy: Annotated[
        Proxy | None, Field(description="Of that relative; with it, one is expected.")
    ] = None
    preferences: Annotated[Preferences | None, Field(description="What suits the person.")] = None
    keep_preferences: Annotated[
        bool, Field(description="The look that was in force is noted in the package.")
    ] = False
    materials: Annotated[
        tuple[Name, ...],
        AfterValidator(_each_once),
        Field(max_length=8, description="Papers to ask for, as codes of the content pack."),
    ] = ()
    completes_package_id: Annotated[
        str | None,
        Field(
            pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
            description="Of an earlier package that lacks what this sitting shall bring.",
        ),
    ] = None
    urgent: Annotated[
        bool, Field(description="Its package leaves before those that are not urgent.")
    ] = False
    not_before: Annotated[AwareDatetime | None, Field(description="Earlier it cannot begin.")] = (
        None
    )
    expires_at: Annotated[
        AwareDatetime | None,
        Field(description="It ends as `expired` if it has not begun; else after 24 hours."),
    ] = None


def wanted_of(body: bytes, at_ms: int) -> Wanted:
    """Return what a body asks for.

    Args:
        body: as it came.
        at_ms: now, UTC; an order ends after it, within 31 days.

    Raises:
        Refused: names where and why, never what stands there.
    """
    try:
        asked = NewSitting.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        raise Refused("invalid-request", [field_error(each) for each in found]) from None
    _check_times(asked, at_ms)
    fingers = Fingers() if asked.fingers is None else asked.fingers
    if asked.fingers is not None:
        _check_fingers(asked.fingers)
    person, proxy = asked.person or Person(), asked.proxy or Proxy()
    photos = (() if asked.reuse_photo is None else (asked.reuse_photo,)) + asked.further_photos
    return Wanted(
        order_ref=asked.order_ref,
        applies_for=asked.applies_for or "",
        documents=asked.documents,
        positions=fingers.positions,
        finger_profile=fingers.profile,
        finger_records=fingers.records,
        finger_minimum=fingers.minimum,
        applied_at=_iso(asked.applied_on),
        born_on=_iso(person.born_on),
        candidates=tuple(_candidate(photo) for photo in photos),
        proxy=asked.proxy_expected or asked.proxy is not None,
        proxy_relation=proxy.relation or "",
        authorisation_ref=proxy.authorisation_ref or "",
        surname=person.surname or "",
        honorific=person.honorific or "",
        slip_code=person.slip_code or "",
        preferences=Wishes(**(asked.preferences or Preferences()).model_dump()),
        completes_package_id=asked.completes_package_id,
        materials=asked.materials,
        keep_preferences=asked.keep_preferences,
        urgent=asked.urgent,
        not_before_ms=_ms(asked.not_before),
        expires_at_ms=_ms(asked.expires_at),
    )


def field_error(found: ErrorDetails) -> FieldError:
    """Return where in the body and why."""
    parts = [str(part) for part in found["loc"]]
    if found["type"] == "extra_forbidden":
        parts[-1] = field_name(parts[-1])
    return FieldError(pointer(parts), found["type"])


def field_name(given: str) -> str:
    """Return a member's name; one that could not be ours may say anything: "-" in its place."""
    return given if _OURS.fullmatch(given) else "-"


def pointer(parts: list[Any] | tuple[Any, ...]) -> str:
    """Return a JSON pointer as a URI fragment. Source: RFC 6901, section 6."""
    return "#" + "".join(f"/{part}" for part in parts)


def _check_fingers(fingers: Fingers) -> None:
    if not fingers.model_fields_set:
        raise Refused("invalid-request", [FieldError("#/fingers/positions", "missing")])
    if fingers.positions is None:
        return
    wanted = len(fingers.positions)
    if fingers.minimum is not None and fingers.minimum > wanted:
        raise Refused("invalid-request", [FieldError("#/fingers/minimum", "too_large")])
    if len(fingers.records or ()) * wanted > EXTRA_PARTS_MAX:
        raise Refused("invalid-request", [FieldError("#/fingers/records", "too_long")])


def _check_times(asked: NewSitting, at_ms: int) -> None:
    begins = _ms(asked.not_before)
    ends = _ms(asked.expires_at)
    latest = at_ms + STANDS_MAX // timedelta(milliseconds=1)
    if begins is not None and begins > latest - timedelta(days=1) // timedelta(milliseconds=1):
        raise Refused("invalid-request", [FieldError("#/not_before", "too_late")])
    if ends is not None and not max(at_ms, begins or 0) < ends <= latest:
        code = "too_late" if ends > latest else "too_early"
        raise Refused("invalid-request", [FieldError("#/expires_at", code)])


def _candidate(photo: ReusePhoto) -> Candidate:
    sha256 = base64.b64decode(photo.digest.removeprefix("sha-256=:").removesuffix(":")).hex()
    return Candidate(photo.source, photo.taken_at, photo.issued_at, sha256)


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _ms(at: datetime | None) -> int | None:
    return None if at is None else (at - _EPOCH) // timedelta(milliseconds=1)
