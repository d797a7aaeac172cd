"""Which colours go together."""

from __future__ import annotations

from lookbook.schema.colours import Colour


def harmony(one: Colour | None, other: Colour | None) -> tuple[float, str]:
    """Score how well two colours go together, 0 to 1, and name the rule that decided.

    The rules of the colour wheel (Itten, The Art of Color, 1961): a neutral colour goes with all;
    hues up to 20 degrees apart are tonal, up to 45 neighbours, from 150 on a contrast; any other
    pair clashes. A colour that is not known scores 0.6.
    """
    if one is None or other is None:
        return 0.6, "unknown"
    if one.neutral and other.neutral:
        return (0.8 if abs(one.light - other.light) > 0.2 else 0.7), "neutral"
    if one.neutral or other.neutral:
        return 0.85, "neutral"
    hue_distance = abs((one.hue - other.hue + 180) % 360 - 180)
    if hue_distance <= 20:
        return 0.8, "tonal"
    if hue_distance <= 45:
        return 0.65, "neighbours"
    if hue_distance >= 150:
        return 0.75, "contrast"
    return 0.25, "clash"
