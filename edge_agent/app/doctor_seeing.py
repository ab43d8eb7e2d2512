"""The doctor's look at what sees: the model and the cameras."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from edge_agent.adapters.model_shelf import led_to
from edge_agent.adapters.opencv_camera import has_gstreamer
from edge_agent.adapters.this_machine import computed_otherwise, cpu_flags
from edge_agent.app.camera import limits_of, meter_for, source_maker, stuck_after_s
from edge_agent.app.detector import open_detector, unmeasured_forms
from edge_agent.app.finding import Finding, attention, ok, wrong
from edge_agent.domain.camera import FrameFigures
from edge_agent.domain.said import say
from edge_agent.errors import EdgeAgentError
from edge_agent.formats.pack import Precision
from edge_agent.ports import Clock, LiveSource
from edge_agent.settings import CameraSettings, Settings, StationSettings

CAMERA_FRAMES = 30
CAMERA_S = 4.0
"""A camera is looked at for so many frames, or so long."""

INFERENCES = 5
"""So many after the first, which warms up; the middle one is told."""

SLOW_INFERENCE_S = 0.15
"""What DESIGN section 8 allows a verdict to compute."""

DO_TUNE = say(
    "do_tune",
    "'edge-agent tune' (on an installed box with sudo) finds the fastest way to run the pack; "
    "then start the agent again",
)


def look_at_model(settings: Settings, *, clock: Clock) -> list[Finding]:
    """Whether the pack runs, on what really, and how fast one picture is."""
    asked = settings.detector.provider
    try:
        detector = open_detector(led_to(settings.detector.pack), settings.detector)
        size = detector.pack.manifest.input
        picture = np.full((size.height, size.width, 3), 114, dtype=np.uint8)
        detector.detect(picture)
        taken_s = []
        for _ in range(INFERENCES):
            began_s = clock.monotonic_s()
            detector.detect(picture)
            taken_s.append(clock.monotonic_s() - began_s)
    except EdgeAgentError as refusal:
        do = "'edge-agent models verify' (on an installed box with sudo) looks at every pack; copy the pack again"
        return [wrong("model", str(refusal), do)]
    pack = detector.pack
    said = f"{pack.manifest.name} {pack.manifest.version}, {pack.precision}, runs on {detector.provider}"
    said += f", {median(taken_s) * 1000:.0f} ms for one picture"
    if asked not in ("auto", detector.provider):
        do = f"install the libraries of {asked}, or set detector.provider to what is there"
        return [wrong("model", f"{said}; {asked} was asked for", do)]
    if why := computed_otherwise(pack.precision, detector.provider, cpu_flags()):
        return [of_otherwise(said, why)]
    if forms := unmeasured_forms(pack.folder, settings.detector):
        return [of_unmeasured(said, forms)]
    if median(taken_s) > SLOW_INFERENCE_S:
        do = f"stop what else runs here; {DO_TUNE}"
        return [attention("model", f"{said}, which is slow", do)]
    return [ok("model", said)]


def of_otherwise(said: str, why: str) -> Finding:
    """What is to be said of a pack that is not computed as its form says."""
    do = say("do_precision_auto", "set detector.precision to auto")
    worry = say("model_otherwise", "{said}, but {why}", said=said, why=why)
    return attention("model", worry, do, code="model_otherwise")


def of_unmeasured(said: str, forms: Sequence[Precision]) -> Finding:
    """What is to be said of a pack that may run slower than it could here."""
    worry = say(
        "model_unmeasured",
        "{said}; which of {forms} is fastest here was never measured",
        said=said,
        forms=", ".join(forms),
    )
    return attention("model", worry, DO_TUNE, code="model_unmeasured")


@dataclass(slots=True)
class _Seen:
    """What a look at a camera gave."""

    figures: list[FrameFigures]
    size: tuple[int, int] = (0, 0)
    took_s: float = 0.0
    refusal: str | None = None


def look_at_camera(station: StationSettings, camera: CameraSettings, *, clock: Clock) -> list[Finding]:
    """Open the camera and read for a while: how large, how often, how bright, how sharp the pictures are."""
    what = f"camera {station.id}"
    if camera.pipeline is not None and not has_gstreamer():
        do = "use the OpenCV of the system (Debian: python3-opencv), or give the camera by url"
        return [wrong(what, "this OpenCV was built without GStreamer, so a pipeline cannot run", do)]
    seen = _Seen([])
    thread = threading.Thread(
        target=_watch, args=(seen, source_maker(camera, clock), station, clock), name="doctor-camera", daemon=True
    )
    thread.start()
    thread.join(stuck_after_s(camera) + CAMERA_S)
    if thread.is_alive():
        return [wrong(what, f"{camera.shown} hangs", "take its power away and give it back")]
    if seen.refusal is not None:
        return [wrong(what, seen.refusal, "docs/cameras.md goes through what can be wrong" + _perhaps_in_use(camera))]
    return [_of_pictures(what, camera, seen)]


def _watch(seen: _Seen, make_source: Callable[[], LiveSource], station: StationSettings, clock: Clock) -> None:
    source = None
    try:
        meter = meter_for(station)
        source = make_source()
        source.open()
        frame = source.read()
        seen.figures.append(meter.measure(frame))
        seen.size = (frame.picture.shape[1], frame.picture.shape[0])
        began_s = clock.monotonic_s()
        while len(seen.figures) <= CAMERA_FRAMES and (took_s := clock.monotonic_s() - began_s) < CAMERA_S:
            seen.figures.append(meter.measure(source.read()))
            seen.took_s = took_s
        seen.took_s = clock.monotonic_s() - began_s
    except EdgeAgentError as refusal:
        if len(seen.figures) <= 1:
            seen.refusal = str(refusal)
    finally:
        if source is not None:
            source.close()


def _of_pictures(what: str, camera: CameraSettings, seen: _Seen) -> Finding:
    limits = limits_of(camera)
    last = seen.figures[-1]
    fps = (len(seen.figures) - 1) / seen.took_s if seen.took_s > 0 else 0.0
    sharp = "too plain to tell" if last.sharpness is None else f"{last.sharpness:.2f}"
    width_px, height_px = seen.size
    said = f"{width_px} x {height_px}, {fps:.1f} pictures/s, brightness {last.luminance:.0f} of 255, sharpness {sharp}"
    if last.luminance < limits.dark_luminance:
        return attention(what, f"{said}: dark", "light, or a covered lens")
    if last.sharpness is not None and last.sharpness < limits.blurred_sharpness:
        return attention(what, f"{said}: blurred", "clean the lens, or focus")
    if last.similarity is not None and last.similarity < limits.moved_similarity:
        return attention(what, f"{said}: moved", "put it back, or take a new reference and draw the slots anew")
    if camera.file is None and fps < min(camera.fps, 5) / 2:
        return attention(what, f"{said}: few pictures", "more light, a lower resolution, or a faster network")
    return ok(what, said)


def _perhaps_in_use(camera: CameraSettings) -> str:
    return "; a device serves one program at a time: is the agent running?" if camera.device is not None else ""
