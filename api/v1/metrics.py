"""`GET /v1/metrics`: Prometheus text, read from the rooms below when it is asked for.

No label ever holds an id of a person, a sitting or a package.
"""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from spectree import SpecTree

from api.v1.contract import NoQuery
from api.v1.devices import calibration_of
from api.v1.health import oldest_age_s
from api.v1.station import V1Station
from edge.figures import package_counts
from edge.supervisor import DeviceState

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class StationCollector(Collector):
    """Reads the present figures of store and devices."""

    def __init__(self, station: V1Station) -> None:
        self._station = station

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Describe nothing: registering must not read the store."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield each family of figures."""
        station = self._station
        yield _family("anxin_packages", "Packages by state and sealing key.", ["state", "kid"], [
            ([state, kid], count) for (state, kid), count in station.store.read(package_counts)
        ])  # fmt: skip
        yield _family("anxin_store_free_bytes", "Room beyond the reserve.", [], [
            ([], station.store.free_bytes)
        ])  # fmt: skip
        yield _family("anxin_outbox_oldest_age_seconds", "Age of what waits longest.", ["sink"], [
            ([sink], oldest_age_s(station, sink) or 0) for sink in station.sinks
        ])  # fmt: skip
        queues = station.outboxes()
        yield _family("anxin_outbox_waiting", "Packages that wait for a sink.", ["sink"], [
            ([queue.sink], queue.waiting) for queue in queues
        ])  # fmt: skip
        yield _family("anxin_outbox_alarms", "Alarms of a sink's queue.", ["sink"], [
            ([queue.sink], len(queue.alarms)) for queue in queues
        ])  # fmt: skip
        yield _family("anxin_device_state", "1 for its present state.", ["device", "state"], [
            ([device.device_id, state.value], device.state is state)
            for device in station.devices() for state in DeviceState
        ])  # fmt: skip
        yield _family("calibration_days_left", "Days until a calibration ends.", ["device"], [
            ([device.device_id], worth.days_left)
            for device in station.devices()
            if (worth := calibration_of(station, device)) and worth.days_left is not None
        ])  # fmt: skip
        yield _family("anxin_ready", "1 while a sitting may begin.", [], [
            ([], not station.reasons())
        ])  # fmt: skip


def metric_routes(station: V1Station, spec: SpecTree) -> Blueprint:
    """Return `GET /v1/metrics`."""
    routes = Blueprint("metrics", __name__)
    # Beside the station's own registry: two listeners would else show each figure twice.
    present = CollectorRegistry(auto_describe=False)
    present.register(StationCollector(station))

    @routes.get("/v1/metrics")
    @spec.validate(query=NoQuery, tags=["metrics"])
    def read_metrics() -> Response:
        """Return all figures as Prometheus text."""
        text = generate_latest(station.registry) + generate_latest(present)
        return Response(text, content_type=MEDIA_TYPE)

    return routes


def _family(
    name: str, says: str, labels: list[str], rows: list[tuple[list[str], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, says, labels=labels)
    for values, figure in rows:
        family.add_metric(values, float(figure))
    return family
