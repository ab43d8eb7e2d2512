"""What a cheap camera makes of the light: the lens bends, the sensor clips and is noisy, the processor sharpens."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.training.synth.conditions import Finish

Light = NDArray[np.float32]
Picture = NDArray[np.uint8]
MIDDLE = 0.2
"""What automatic exposure makes of the middling light (mean of the roots, squared); the centre counts twice."""

BRIGHTEST = 1.15
"""Automatic exposure lets the brightest twenty-fifth of the picture clip, not more."""


def bend(light: Light, index: NDArray[np.int32], barrel: float) -> tuple[Light, NDArray[np.int32]]:
    """Bend light (bilinear) and index (nearest) alike, so that boxes stay true. Negative `barrel` bulges outward."""
    if not barrel:
        return light, index
    height, width = index.shape
    at_x, at_y = bent_places(height, width, barrel)
    bent = cv2.remap(light, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    marks = cv2.remap(index.astype(np.float32), at_x, at_y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(bent, np.float32), np.rint(marks).astype(np.int32)


def bent_places(height: int, width: int, barrel: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """For every pixel, the column and the row in the straight picture whose light falls on it, for `cv2.remap`.

    The radius is that of the half diagonal; r' = r * (1 + barrel * r^2), scaled so that the corners stay filled.
    """
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    half = np.float32(np.hypot(width, height) / 2)
    u, v = (x - (width - 1) / 2) / half, (y - (height - 1) / 2) / half
    factor = (1 - barrel * (u * u + v * v)) / np.float32(1 - barrel)
    at_x = (u * factor * half + (width - 1) / 2).astype(np.float32)
    at_y = (v * factor * half + (height - 1) / 2).astype(np.float32)
    return at_x, at_y


def finish(light: Light, faults: Finish) -> Picture:
    """Linear RGB light (height, width, 3) to an sRGB picture in BGR, as the camera would send it before packing."""
    rng = np.random.default_rng(faults.noise_seed)
    scale = light.shape[1] / 640
    light = _exposed(np.maximum(light, 0), faults)
    light = _blurred(light, faults, scale)
    light *= _falling_off(light.shape[0], light.shape[1], faults.vignette)
    grain = rng.normal(size=light.shape).astype(np.float32)
    soft = cv2.GaussianBlur(rng.normal(size=light.shape).astype(np.float32), (0, 0), 1.2 * scale) * 2.2
    light = np.asarray(light + (grain + soft) * faults.noise * np.sqrt(np.clip(light, 0.02, 1.2)), np.float32)
    picture = _to_srgb(np.clip(light, 0, 1))
    picture = np.clip(0.5 + (picture - 0.46) * faults.contrast, 0, 1).astype(np.float32)
    grey = picture.mean(axis=2, keepdims=True)
    picture = np.clip(grey + (picture - grey) * faults.saturation, 0, 1)
    if faults.sharpen:
        soft = cv2.GaussianBlur(picture, (0, 0), 1.3 * scale)
        picture = np.clip(picture + (picture - soft) * faults.sharpen, 0, 1)
    return np.ascontiguousarray(np.rint(picture * 255).astype(np.uint8)[..., ::-1])


def packed(picture: Picture, quality: int) -> bytes:
    """The picture as JPEG."""
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError("the picture could not be packed")
    return data.tobytes()


def _exposed(light: Light, faults: Finish) -> Light:
    """Automatic exposure by the mean, the centre twice, then what the camera gets wrong."""
    height, width = light.shape[:2]
    seen = np.sqrt(light)
    centre = seen[height // 4 : -height // 4, width // 4 : -width // 4]
    mean = float(seen.mean() + 2 * centre.mean()) / 3
    bright = float(np.percentile(light, 96))
    gain = min(MIDDLE / max(mean**2, 1e-4), BRIGHTEST / max(bright, 1e-4)) * 2.0**faults.exposure
    tint = np.array([1 + faults.warmth, 1.0, 1 - faults.warmth], np.float32)
    return np.asarray(light * np.float32(gain) * tint, np.float32)


def _blurred(light: Light, faults: Finish, scale: float) -> Light:
    light = np.minimum(light, 6)
    if faults.defocus_px:
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), faults.defocus_px * scale), np.float32)
    length = faults.motion_px * scale
    if length >= 2:
        side = int(length) * 2 + 1
        kernel = np.zeros((side, side), np.float32)
        middle = side // 2
        step = np.array([np.cos(faults.motion_rad), np.sin(faults.motion_rad)]) * length / 2
        start, end = (tuple(round(float(c)) for c in middle + s * step) for s in (-1, 1))
        cv2.line(kernel, start, end, 1.0, 1, cv2.LINE_AA)
        light = np.asarray(cv2.filter2D(light, -1, kernel / kernel.sum()), np.float32)
    return light


def _falling_off(height: int, width: int, share: float) -> Light:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return np.asarray(1 - share * (x * x + y * y)[..., None] / 2, np.float32)


def _to_srgb(light: Light) -> Light:
    """IEC 61966-2-1."""
    curve = np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 1e-6) ** (1 / 2.4) - 0.055)
    return np.asarray(curve, np.float32)
