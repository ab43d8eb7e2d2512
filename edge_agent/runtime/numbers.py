"""The numbers that Prometheus collects, as `docs/reference/metrics.md` explains them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from edge_agent.domain.camera import CameraStatus
from edge_agent.domain.events import AlertRaised, AlertResolved, Event, VerdictReached
from edge_agent.ports import ModelInUse, StationStatus

LATENCIES_S = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
INFERENCES_S = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is asked for at the moment of collecting.

    Attributes:
        stations: how they are.
        dropped: frames that nobody took in time, by station.
        stale: frames that were too old to be checked, by station.
        outbox_pending: steps of alerts that were not delivered.
        disk_free_bytes: on the disk of the store.
        events_waiting: events that are not on the disk yet.
        models: what runs.
    """

    stations: tuple[StationStatus, ...]
    dropped: dict[str, int]
    stale: dict[str, int]
    outbox_pending: int | None
    disk_free_bytes: int | None
    events_waiting: int
    models: tuple[ModelInUse, ...]


class Numbers:
    """Counts what happens. `count` may be called from any thread and never waits."""

    def __init__(self, *, facts: Callable[[], Facts]) -> None:
        self.registry = CollectorRegistry()
        named = {"namespace": "edge_agent", "registry": self.registry}
        self._checks = Counter("checks_total", "Verdicts reached.", ["station", "verdict"], **named)  # type: ignore[arg-type]
        self._alerts = Counter("alerts_total", "Alerts raised.", ["severity"], **named)  # type: ignore[arg-type]
        self._resolutions = Counter("alert_resolutions_total", "Alerts that ended.", ["reason"], **named)  # type: ignore[arg-type]
        self._latency = Histogram(
            "verdict_latency_seconds",
            "From the moment a tray lies still to its first verdict.",
            buckets=LATENCIES_S,
            **named,  # type: ignore[arg-type]
        )
        self._inference = Histogram(
            "inference_seconds",
            "One look of the detector.",
            buckets=INFERENCES_S,
            **named,  # type: ignore[arg-type]
        )
        self._judged: dict[str, None] = {}
        self.registry.register(_Asked(facts))

    def count(self, station: str, event: Event | StationStatus) -> None:
        """Count one thing that happened at a station."""
        if isinstance(event, VerdictReached):
            self._checks.labels(station, event.verdict.kind.value).inc()
            if event.session_id not in self._judged and not event.late:
                self._judged[event.session_id] = None
                self._latency.observe(max(0.0, event.at_s - event.still_since_s))
                if len(self._judged) > 64:  # noqa: PLR2004  far more trays than lie in the slots of a box
                    del self._judged[next(iter(self._judged))]
        elif isinstance(event, AlertRaised):
            self._alerts.labels(event.alert.severity.value).inc()
        elif isinstance(event, AlertResolved):
            self._resolutions.labels(event.resolution.value).inc()

    def looked(self, seconds: float) -> None:
        """The detector took so long for one picture."""
        self._inference.observe(seconds)


class _Asked(Collector):
    """What is known at the moment of asking."""

    def __init__(self, facts: Callable[[], Facts]) -> None:
        self._facts = facts

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        facts = self._facts()
        up = GaugeMetricFamily("edge_agent_camera_up", "1 while verdicts can be had of it.", labels=["station"])
        age = GaugeMetricFamily("edge_agent_camera_last_frame_age_seconds", "By source time.", labels=["station"])
        dropped = CounterMetricFamily("edge_agent_frames_dropped", "Frames nobody took in time.", labels=["station"])
        stale = CounterMetricFamily("edge_agent_frames_stale", "Frames too old to be checked.", labels=["station"])
        for station in facts.stations:
            up.add_metric([station.station_id], float(station.camera == CameraStatus.ONLINE.value))
            if station.frame_age_s is not None:
                age.add_metric([station.station_id], station.frame_age_s)
            dropped.add_metric([station.station_id], facts.dropped.get(station.station_id, 0))
            stale.add_metric([station.station_id], facts.stale.get(station.station_id, 0))
        yield from (up, age, dropped, stale)
        yield _gauge("edge_agent_events_waiting", "Events that are not on the disk yet.", facts.events_waiting)
        if facts.outbox_pending is not None:
            yield _gauge("edge_agent_outbox_pending", "Steps of alerts not delivered.", facts.outbox_pending)
        if facts.disk_free_bytes is not None:
            yield _gauge("edge_agent_disk_free_bytes", "Free on the disk of the store.", facts.disk_free_bytes)
        labels = ["name", "version", "sha256", "precision", "provider"]
        info = GaugeMetricFamily("edge_agent_model_info", "What runs; always 1.", labels=labels)
        for model in facts.models:
            info.add_metric([model.name, model.version, model.sha256, model.precision, model.provider], 1.0)
        yield info


def _gauge(name: str, says: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, says, value=float(value))
