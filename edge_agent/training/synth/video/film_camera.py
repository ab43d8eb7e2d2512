"""A camera that runs: what it makes of each picture's light depends a little on the pictures before."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.training.synth.camera_finish import BRIGHTEST, MIDDLE, bent_places
from edge_agent.training.synth.conditions import Finish
from edge_agent.training.synth.cutouts import srgb_from

Light = NDArray[np.float32]
Picture = NDArray[np.uint8]

EXPOSURE_S = 0.6
"""Automatic exposure has gone most of its way after so long."""

EAGER = 0.35
"""It goes this share of the way (of the logarithm) from one fixed exposure: an empty dark counter is no night."""

MOST_GAIN = 3.0
"""... and brings a dark picture up by this factor at most: then the sensor is at its end."""

GRAINS = 6
LEVELS = 4096


class FilmCamera:
    """Turns light into pictures, one after the other.

    Args:
        width_px, height_px: the size of the pictures.
        faults: what kind of camera it is; `motion_px` and `jpeg` are not used: motion is filmed, and the film packed.
        frames_per_s: tells how fast the exposure follows.
        barrel: the lens's distortion, as in `camera_finish.bend`.
    """

    def __init__(self, *, width_px: int, height_px: int, faults: Finish, frames_per_s: float, barrel: float) -> None:
        self._faults = faults
        self._rng = np.random.default_rng(faults.noise_seed)
        self._follow = 1 - math.exp(-1 / (frames_per_s * EXPOSURE_S))
        self._gain = 0.0
        self._bent = bent_places(height_px, width_px, barrel)
        y, x = np.mgrid[-1 : 1 : height_px * 1j, -1 : 1 : width_px * 1j]
        self._falling_off = np.asarray(1 - faults.vignette * (x * x + y * y)[..., None] / 2, np.float32)
        self._grains = [_grain(self._rng, height_px, width_px) for _ in range(GRAINS)]
        self._curve = _tone_curve(faults.contrast)

    def shoot(self, light: Light) -> Picture:
        """One picture (height, width, 3; uint8; blue-green-red) of linear RGB light of the same size."""
        faults = self._faults
        light = np.asarray(cv2.remap(light, *self._bent, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
        tint = np.array([1 + faults.warmth, 1.0, 1 - faults.warmth], np.float32)
        light = light * (np.float32(self._exposure(light)) * tint)
        if faults.defocus_px:
            light = np.asarray(cv2.GaussianBlur(light, (0, 0), faults.defocus_px * light.shape[1] / 640), np.float32)
        light *= self._falling_off
        # What the sensor is brought up by brings up its noise.
        noise = np.float32(faults.noise * math.sqrt(max(1.0, self._gain)))
        light += self._noise() * (noise * np.sqrt(np.clip(light, 0.02, 1.2)))
        levels = np.asarray(np.clip(light, 0, 1) * np.float32(LEVELS - 1) + np.float32(0.5), np.int16)
        picture = self._curve[levels]
        grey = picture.mean(axis=2, keepdims=True)
        picture = np.clip(grey + (picture - grey) * np.float32(faults.saturation), 0, 255)
        if faults.sharpen:
            soft = cv2.GaussianBlur(picture, (0, 0), 1.3 * light.shape[1] / 640)
            picture = np.clip(picture + (picture - soft) * np.float32(faults.sharpen), 0, 255)
        return np.ascontiguousarray(np.rint(picture).astype(np.uint8)[..., ::-1])

    def _exposure(self, light: Light) -> float:
        """The gain for this picture: on its way from that of the last one to what would be right."""
        height, width = light.shape[:2]
        small = cv2.resize(light, (width // 8, height // 8), interpolation=cv2.INTER_AREA)
        seen = np.sqrt(np.maximum(small, 0))
        centre = seen[height // 32 : -height // 32, width // 32 : -width // 32]
        mean = float(seen.mean() + 2 * centre.mean()) / 3
        bright = float(np.percentile(small, 96))
        right = float(min(MIDDLE / max(mean**2, 1e-4), BRIGHTEST / max(bright, 1e-4)))
        right = min(MOST_GAIN, math.pow(right, EAGER)) * math.pow(2.0, self._faults.exposure)
        if not self._gain:
            self._gain = right
        self._gain *= math.pow(right / self._gain, self._follow)
        return self._gain

    def _noise(self) -> Light:
        """Noise that no eye sees repeat: two of a few patterns, each moved by chance."""
        rng = self._rng
        height, width = self._grains[0].shape[:2]
        one, two = (self._grains[i] for i in rng.choice(len(self._grains), 2, replace=False))
        return np.asarray(_rolled(one, rng, height, width) + _rolled(two, rng, height, width), np.float32)


def _grain(rng: np.random.Generator, height: int, width: int) -> Light:
    """Grain of single pixels, and softer grain of several: cameras smooth their noise."""
    fine = rng.standard_normal((height, width, 3), np.float32)
    soft = cv2.GaussianBlur(rng.standard_normal((height, width, 3), np.float32), (0, 0), 1.2 * width / 640) * 2.2
    return np.asarray((fine + soft) * np.float32(math.sqrt(0.5)), np.float32)


def _rolled(grain: Light, rng: np.random.Generator, height: int, width: int) -> Light:
    return np.roll(grain, (int(rng.integers(height)), int(rng.integers(width))), axis=(0, 1))


def _tone_curve(contrast: float) -> NDArray[np.float32]:
    """From levels of light to grey levels, with the camera's own contrast."""
    grey = srgb_from(np.linspace(0, 1, LEVELS, dtype=np.float32)).astype(np.float32) / 255
    return np.asarray(np.clip(0.5 + (grey - 0.46) * contrast, 0, 1) * 255, np.float32)
