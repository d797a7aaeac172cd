"""How near the colours of a catalogue's items are to a colour that is asked for."""

from __future__ import annotations

import numpy as np

from lookbook.schema.colours import colour_distance
from lookbook.search.concepts import ConceptIndex

# Up to which distance (`colour_distance`) a colour is how near: red and rust differ by 23, red and
# orange by 32, red and pink by 47, red and beige by 66. Few steps, as each level of a ranking is
# searched by itself.
_STEPS = ((48.0, 0.25), (36.0, 0.5), (25.0, 0.75))


def near_colours(colour: str, concepts: ConceptIndex) -> np.ndarray:
    """Return float32 (n,), 0 (far, or of no colour) to 0.75: how near items are to a colour.

    Those of the colour itself are not told from its neighbours.
    """
    near = np.zeros(len(concepts), np.float32)
    thesaurus = concepts.thesaurus
    asked = thesaurus.concepts[colour].label
    for name, concept in thesaurus.concepts.items():
        distance = colour_distance(asked, concept.label) if concept.role == "colour" else None
        if distance is None or distance > _STEPS[0][0]:
            continue
        nearness = [step for limit, step in _STEPS if distance <= limit][-1]
        rows = concepts.rows(name).copy()
        for narrower in thesaurus.narrower(name) - {name}:
            rows &= ~concepts.rows(narrower)
        near[rows] = np.maximum(near[rows], nearness)
    return near
