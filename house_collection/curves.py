"""Curves in board coordinates: splines through points, outlines, ribbons and dashes.

The board is 300 points wide and 400 high: x from -150 to 150, y from 0 downwards. A control point
is `(x, y)`, a corner, or `(x, y, roundness)`, which the curve passes smoothly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

Point = Sequence[float] | np.ndarray
STEPS = np.linspace(0, 1, 9, dtype=np.float32)[:-1, None]


def spline(points: Sequence[Point] | np.ndarray, closed: bool = False) -> np.ndarray:
    """Interpolate points by cubic Bezier segments: float32 (n, 2); corners stay corners."""
    xy = np.array([p[:2] for p in points], np.float32)
    round_ = np.array([p[2] if len(p) > 2 else 0.0 for p in points], np.float32)
    tangents = (np.roll(xy, -1, 0) - np.roll(xy, 1, 0)) * (round_ / 6)[:, None]
    if not closed:
        tangents[0] = tangents[-1] = 0
    start, end = xy, np.roll(xy, -1, 0)
    reach = np.linalg.norm(end - start, axis=1)
    before = np.roll(reach, 1)
    # A long neighbour must not make the curve overshoot a short segment.
    out = tangents * np.minimum(1, 2 * reach / (reach + before + 1e-6))[:, None]
    into = tangents * np.minimum(1, 2 * before / (reach + before + 1e-6))[:, None]
    pieces = [
        bezier(start[i], start[i] + out[i], end[i] - into[(i + 1) % len(xy)], end[i])
        for i in range(len(xy) if closed else len(xy) - 1)
    ]
    return np.concatenate([*pieces, xy[:1] if closed else xy[-1:]])


def bezier(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Sample one cubic Bezier segment: (8, 2), without its end, where the next one begins."""
    t, s = STEPS, 1 - STEPS
    return s**3 * a + 3 * s * s * t * b + 3 * s * t * t * c + t**3 * d


def outline(points: Sequence[Point]) -> np.ndarray:
    """A closed outline through the points."""
    return spline(points, closed=True)


def mirrored(right: Sequence[Point]) -> np.ndarray:
    """A closed outline with mirror symmetry; `right`, its right half, runs from the top down."""
    left = [(-p[0], *p[1:]) for p in reversed(right) if abs(p[0]) > 1e-6]
    return outline([*right, *left])


def flip(points: np.ndarray) -> np.ndarray:
    """Mirror points (n, 2) at the middle line."""
    return np.asarray(points, np.float32) * np.array([-1, 1], np.float32)


def translated(points: np.ndarray, dx: float, dy: float) -> np.ndarray:
    """Shift points (n, 2)."""
    return np.asarray(points, np.float32) + np.array([dx, dy], np.float32)


def scaled(points: np.ndarray, fx: float, fy: float, about: Point = (0, 200)) -> np.ndarray:
    """Scale points (n, 2) about a centre."""
    centre = np.array(about[:2], np.float32)
    return (np.asarray(points, np.float32) - centre) * np.array([fx, fy], np.float32) + centre


def ellipse(cx: float, cy: float, rx: float, ry: float, steps: int = 48) -> np.ndarray:
    """A closed ellipse: (steps, 2)."""
    t = np.linspace(0, 2 * math.pi, steps, endpoint=False)
    return np.stack([cx + rx * np.cos(t), cy + ry * np.sin(t)], 1).astype(np.float32)


def arc(cx: float, cy: float, rx: float, ry: float, start: float, stop: float) -> np.ndarray:
    """Part of an ellipse, degrees clockwise from the right: (33, 2)."""
    t = np.radians(np.linspace(start, stop, 33))
    return np.stack([cx + rx * np.cos(t), cy + ry * np.sin(t)], 1).astype(np.float32)


def box(x0: float, y0: float, x1: float, y1: float, corner: float = 0) -> np.ndarray:
    """A rectangle with rounded corners."""
    if corner <= 0:
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float32)
    quarter = np.linspace(0, math.pi / 2, 7)
    bends = [
        (x1 - corner, y0 + corner, -math.pi / 2),
        (x1 - corner, y1 - corner, 0),
        (x0 + corner, y1 - corner, math.pi / 2),
        (x0 + corner, y0 + corner, math.pi),
    ]
    rounds = [
        np.stack([cx + corner * np.cos(quarter + a), cy + corner * np.sin(quarter + a)], 1)
        for cx, cy, a in bends
    ]
    return np.concatenate(rounds).astype(np.float32)


def normals(line: np.ndarray) -> np.ndarray:
    """Unit normals at the points of a line (n, 2)."""
    direction = np.gradient(np.asarray(line, np.float32), axis=0)
    length = np.linalg.norm(direction, axis=1, keepdims=True) + 1e-6
    return np.stack([-direction[:, 1], direction[:, 0]], 1) / length


def ribbon(line: np.ndarray, width: float | Sequence[float] | np.ndarray) -> np.ndarray:
    """A closed band about a line (n, 2); `width` is one number, or one for each point."""
    line = np.asarray(line, np.float32)
    half = normals(line) * np.broadcast_to(np.asarray(width, np.float32) / 2, len(line))[:, None]
    return np.concatenate([line + half, (line - half)[::-1]])


def offset_line(line: np.ndarray, distance: float) -> np.ndarray:
    """A line at a constant distance from another, as topstitching beside a seam."""
    return np.asarray(line, np.float32) + normals(line) * distance


def resampled(line: np.ndarray, step: float) -> np.ndarray:
    """Resample a line to points at equal distances of about `step`."""
    line = np.asarray(line, np.float32)
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    at = np.linspace(0, length[-1], max(2, round(float(length[-1]) / step) + 1))
    return np.stack([np.interp(at, length, line[:, k]) for k in (0, 1)], 1).astype(np.float32)


def dashes(line: np.ndarray, on: float = 2.6, off: float = 1.6) -> list[np.ndarray]:
    """Short straight pieces along a line."""
    points = resampled(line, (on + off) / 4)
    stop = max(1, round(4 * on / (on + off)))
    return [points[i : i + stop + 1] for i in range(0, len(points) - stop, 4)]
