"""What a restart needs to go on with a sitting; lies beside its sealed parts until the closing.

Ids, codes and times: nothing of the person, nothing biometric.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(slots=True)
class Progress:
    """How far one sitting has come.

    Attributes:
        language: that the sitting began in.
        opened_at: RFC 3339, UTC.
        order_ref: the centre's own reference, None without an order.
        documents: ids of the photo documents wanted; empty: the station's own.
        positions: fingers wanted; None: the station's own.
        left_alone: nobody was there any more, so that no restart may lead anybody here.
        missing: rows of `edge.sitting.Missing`.
        presentations: what each press came to, by finger position.
        fingers: `edge.fingers.wishes.FingerWishes`; None until the first step is taken.
        given: what is said of each finger that is in, by position.
        exceptions: rows of `edge.fingers.exceptions.FingerException`.
        fingers_closed: positions that the plan asks for no more.
        fingers_ended: the plan asks for no finger any more.
        origin: of the portrait that is in; None without one.
        preferences: what the order says suits the person; None without an order.
        completes_package_id: of an earlier package that this one completes.
        reuse: why an earlier photo was not taken over, None if there was none to speak of.
        assisted: who acted for the person, each once: role, staff id, reason.
        remote: who saw the screen from afar, as the person agreed: role and time.
        materials: papers that the order lists, each with its state: "asked", "here", "later".
        proxy: who acts for the person: codes and references; None for the applicant herself.
        resumed_by: staff ids of those who went on with it after somebody had left it.
        due: civil date until which what is missing may be brought.
        look: the look that was in force last.
        keep_preferences: the order wants that look in the record.
    """

    language: str
    opened_at: str
    order_ref: str | None = None
    documents: list[str] = field(default_factory=list)
    positions: list[str] | None = None
    consented: bool = False
    left_alone: bool = False
    missing: list[dict[str, str]] = field(default_factory=list)
    presentations: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    fingers: dict[str, Any] | None = None
    given: dict[str, dict[str, Any]] = field(default_factory=dict)
    exceptions: list[dict[str, Any]] = field(default_factory=list)
    fingers_closed: list[str] = field(default_factory=list)
    fingers_ended: bool = False
    preferences: dict[str, Any] | None = None
    completes_package_id: str | None = None
    origin: Literal["captured", "reused"] | None = None
    reuse: dict[str, Any] | None = None
    assisted: list[dict[str, str]] = field(default_factory=list)
    remote: list[dict[str, str]] = field(default_factory=list)
    materials: list[dict[str, str]] = field(default_factory=list)
    proxy: dict[str, Any] | None = None
    resumed_by: list[str] = field(default_factory=list)
    due: str = ""
    look: dict[str, str] | None = None
    keep_preferences: bool = False
