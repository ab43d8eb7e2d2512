"""A library of cut-outs: things seen from above with transparency, and an index that says where they stand.

`library.json` names the scale and lists the cut-outs; pictures are PNG, sRGB with straight alpha. A cut-out's shadow
is a picture of its own (grey: how much light it takes away), laid under everything that is drawn later. Cut-outs are
rendered by a camera straight above the origin: what stands aside leans outwards, so tall things come at several
distances. A thing at distance r in the direction f, turned by t, looks like the cut-out `aside_cm` r, `turn_rad` t -
f, turned in the picture by f; nothing else is needed to put it anywhere, or to move it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import BadInput
from edge_agent.formats.whole_file import write_whole

INDEX = "library.json"
SCHEMA = 1
FADES_PX = 30
"""Over so many pixels a shadow fades at the edge of its picture: two centimetres."""

ROLES = ("item", "thing", "arm", "tray", "counter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutout:
    """One picture of one look of one thing.

    `anchor_px` is where the middle of its footprint (of a hand: between the knuckles) lies in the picture; `size_cm`
    is the footprint's (a tray's: inside the rim); `area_px` what its outline covers. `shadow` may be "": it casts
    none.
    """

    name: str
    role: str
    kind: str
    look: int
    aside_cm: float
    turn_rad: float
    file: str
    shadow: str
    anchor_px: tuple[float, float]
    size_cm: tuple[float, float]
    tall_cm: float
    area_px: float
    traits: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Layer:
    """A cut-out in memory: `light` (h, w, 3) linear RGB, `alpha` and `shade` (h, w), all float32."""

    light: NDArray[np.float32]
    alpha: NDArray[np.float32]
    shade: NDArray[np.float32] | None

    @cached_property
    def over(self) -> NDArray[np.float32]:
        """Light times alpha, and alpha: (h, w, 4). What is laid again and again is not multiplied again and again."""
        return np.dstack([self.light * self.alpha[..., None], self.alpha])


@dataclass(frozen=True, slots=True)
class Library:
    """All cut-outs of a folder, at one scale."""

    root: Path
    px_per_cm: float
    camera_height_cm: float
    cutouts: tuple[Cutout, ...]

    def of(self, role: str, kind: str | None = None) -> tuple[Cutout, ...]:
        """The cut-outs of a role, or of one kind of it."""
        return tuple(c for c in self.cutouts if c.role == role and (kind is None or c.kind == kind))

    def layer(self, cutout: Cutout) -> Layer:
        """The cut-out's pictures; the last few hundred asked for are kept.

        Raises:
            BadInput: a picture is missing or does not read.
        """
        return _layer(self.root / cutout.file, self.root / cutout.shadow if cutout.shadow else None)


def open_library(root: Path) -> Library:
    """Read the index of a library.

    Raises:
        BadInput: there is none, or it does not read.
    """
    path = root / INDEX
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["schema"] != SCHEMA:
            raise BadInput(f"the library has schema {told['schema']}; this version reads {SCHEMA}", path=path)
        cutouts = tuple(_cutout(entry) for entry in told["cutouts"])
        return Library(root, float(told["px_per_cm"]), float(told["camera_height_cm"]), cutouts)
    except FileNotFoundError as error:
        raise BadInput("there is no library here; 'edge-agent synth cutouts' makes one", path=path) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"the library does not read: {error}", path=path) from error


def write_index(root: Path, *, px_per_cm: float, camera_height_cm: float, cutouts: list[Cutout]) -> None:
    """Write `library.json`."""
    told = {
        "schema": SCHEMA,
        "px_per_cm": px_per_cm,
        "camera_height_cm": camera_height_cm,
        "cutouts": [asdict(cutout) for cutout in cutouts],
    }
    write_whole(root / INDEX, json.dumps(told, indent=1) + "\n")


def _cutout(entry: dict[str, Any]) -> Cutout:
    pairs = {key: (float(entry[key][0]), float(entry[key][1])) for key in ("anchor_px", "size_cm")}
    made = Cutout(**{**entry, **pairs})
    if made.role not in ROLES:
        raise ValueError(f"'{made.role}' is no role ({', '.join(ROLES)})")
    return made


@lru_cache(maxsize=400)
def _layer(file: Path, shadow: Path | None) -> Layer:
    picture = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise BadInput("the cut-out is missing or does not read", path=file)
    shade = None if shadow is None else cv2.imread(str(shadow), cv2.IMREAD_GRAYSCALE)
    alpha = picture[..., 3] if picture.shape[2] == 4 else np.full(picture.shape[:2], 255, np.uint8)
    light = linear_from(np.asarray(picture[..., 2::-1], np.uint8))
    return Layer(light, _share(alpha), None if shade is None else _faded_out(_share(shade)))


def _faded_out(shade: NDArray[np.float32]) -> NDArray[np.float32]:
    """A shadow reaches further than its picture: at the edge it fades, else one would see the edge."""
    height, width = shade.shape
    rows, columns = (np.minimum(np.arange(n) + 0.5, n - 0.5 - np.arange(n)) for n in (height, width))
    away = np.minimum(rows[:, None], columns[None, :])
    share = np.clip(away / min(FADES_PX, min(height, width) / 4), 0, 1)
    return np.asarray(shade * (share * share * (3 - 2 * share)), np.float32)


def _share(grey: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(np.asarray(grey, np.float32) * np.float32(1 / 255), np.float32)


_CURVE = np.array(
    [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in np.arange(256) / 255], np.float32
)
"""sRGB bytes to linear light (IEC 61966-2-1)."""


def linear_from(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Bytes of sRGB as linear light in [0, 1]; any shape."""
    return np.asarray(_CURVE[picture], np.float32)


def srgb_from(light: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Linear light as bytes of sRGB; what is over 1 is cut off."""
    light = np.clip(light, 0, 1)
    curve = np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 1e-6) ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(curve * 255), np.uint8)
