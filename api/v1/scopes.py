"""What a client may do: one scope for each endpoint of `/v1`.

Whoever adds a route adds its line here. A route without a line answers nobody
(`api.v1.caller.guard`), and a test names it.
"""

from __future__ import annotations

from typing import Final, get_args

from edge.door_sections import Scope

OPEN: Final = "open"
"""Holds nothing of this station: that it lives, and what the interface looks like. In token mode
anybody on this machine may ask; with client certificates whoever could open the connection."""
KNOWN: Final = "known"
"""Every client that the settings name, whatever else it may do."""

STATION_READ: Final = "station:read"
EVENTS_READ: Final = "events:read"
METRICS_READ: Final = "metrics:read"
AUDIT_READ: Final = "audit:read"
SITTINGS_WRITE: Final = "sittings:write"
SITTINGS_READ: Final = "sittings:read"
PHOTO_CHECKS_RUN: Final = "photo-checks:run"
PACKAGES_COLLECT: Final = "packages:collect"
KEYS_WRITE: Final = "keys:write"
POLICIES_WRITE: Final = "policies:write"

ALL_SCOPES: Final = frozenset(get_args(Scope))
"""As the settings spell them."""

SCOPES: Final[dict[str, str]] = {
    "audit.list_entries": AUDIT_READ,
    "audit.read_heads": AUDIT_READ,
    "calibrations.list_calibrations": STATION_READ,
    "calibrations.read_calibration": STATION_READ,
    "calibrations.read_certificate": STATION_READ,
    "devices.list_devices": STATION_READ,
    "devices.read_device": STATION_READ,
    "document.lead_to_docs": OPEN,
    "document.read_document": OPEN,
    "document.show_document": OPEN,
    "document.static": OPEN,
    "events.follow_events": EVENTS_READ,
    "figures.read_figures": STATION_READ,
    "health.read_health": STATION_READ,
    "health.read_live": OPEN,
    "health.read_ready": KNOWN,
    "keys.put_keys": KEYS_WRITE,
    "keys.put_policies": POLICIES_WRITE,
    "keys.read_keys": STATION_READ,
    "keys.read_policies": STATION_READ,
    "leases.end_lease": PACKAGES_COLLECT,
    "leases.extend_lease": PACKAGES_COLLECT,
    "leases.take_lease": PACKAGES_COLLECT,
    "metrics.read_metrics": METRICS_READ,
    "packages.download_package": PACKAGES_COLLECT,
    "packages.list_packages": PACKAGES_COLLECT,
    "packages.put_receipt": PACKAGES_COLLECT,
    "packages.read_package": PACKAGES_COLLECT,
    "photo_checks.check_photo": PHOTO_CHECKS_RUN,
    "sittings.cancel_sitting": SITTINGS_WRITE,
    "sittings.change_sitting": SITTINGS_WRITE,
    "sittings.list_sittings": SITTINGS_READ,
    "sittings.order_sitting": SITTINGS_WRITE,
    "sittings.put_photo": SITTINGS_WRITE,
    "sittings.read_sitting": SITTINGS_READ,
    "station.read_station": STATION_READ,
    "support.read_support": STATION_READ,
}
"""Endpoint as Flask names it (blueprint, function) to what its caller must have."""
