"""Street shots."""

import numpy as np

from house_collection import street_shot


def test_street_shots_are_deterministic_and_unlike_the_studio_picture(first):
    shot = street_shot(first[0], 1)
    assert shot.tobytes() == street_shot(first[0], 1).tobytes()
    assert shot.tobytes() != street_shot(first[0], 2).tobytes()
    plain = np.asarray(first[0].draw().resize(shot.size), np.float32)
    assert np.abs(np.asarray(shot, np.float32) - plain).mean() > 10
