"""A carried station put together out of the station's own rooms."""

from __future__ import annotations

from dataclasses import dataclass

from edge.camera_owner import CameraOwner
from edge.clock_state import clock_state
from edge.fingers.judge import PressJudge
from edge.orders import Known, Orders
from edge.portable.carried import Carried, Parts
from edge.portable.device_key import device_keys
from edge.portable.field_check import Bench, Figures
from edge.portable.field_limits import load_field_limits
from edge.portable.field_state import FieldState
from edge.portable.lists import Centre, VisitLists
from edge.portable.power import look_at_power
from edge.reader_owner import ReaderOwner
from edge.settings_sections import Settings
from edge.store import Store
from edge.trust.centre import PinnedCentre

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Rooms:
    """What of the station a carried one works with."""

    settings: Settings
    store: Store
    centre: PinnedCentre
    camera: CameraOwner
    reader: ReaderOwner
    judge: PressJudge
    orders: Orders
    known: Known


def open_carried(rooms: Rooms) -> Carried | None:
    """Return what makes the station a carried one; None where the settings have no `[portable]`.

    Raises:
        KeyUnusable: the key that visit lists are sealed to.
        SettingsError: the limits of the field check.
    """
    portable, store = rooms.settings.portable, rooms.store
    if portable is None:
        return None
    here = Centre(
        rooms.settings.station.id, device_keys(store.folder), rooms.centre.receipts, rooms.known
    )
    lists = VisitLists(store, here, rooms.orders)
    limits = load_field_limits()
    floor_bytes = rooms.settings.store.floor_mib * MIB

    def visits() -> int | None:
        return len(lists.open_orders()) if lists.standing else None

    figures = Figures(
        free_share=lambda: store.free_bytes / floor_bytes,
        clock=clock_state,
        clock_suspect=lambda: rooms.centre.clock_suspect,
        key_days=lambda: rooms.centre.days_left,
        visits=visits,
        power=lambda: look_at_power(portable.power_supply, portable.lid),
    )
    return Carried(
        Parts(
            folder=store.folder,
            settings=portable,
            lists=lists,
            state=FieldState(store.folder, portable.field_check_hours),
            bench=lambda stop: Bench(
                camera=rooms.camera,
                reader=rooms.reader,
                reader_answers=lambda: rooms.reader.status.working,
                judge=lambda press: rooms.judge.judge(press, [], {}),
                figures=figures,
                limits=limits,
                target=portable.field_check_target,
                accept_score=rooms.settings.fingers.accept_score,
                battery_min_percent=portable.battery_min_percent,
                stop=stop,
            ),
            devices_work=lambda: rooms.camera.status.working and rooms.reader.status.working,
            after_check=rooms.judge.forget,
            cancel_press=rooms.reader.cancel,
        )
    )
