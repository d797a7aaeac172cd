"""Passes in the background begin when nothing is being answered, and compute the same."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from lookbook.encoding.backends import yielding
from lookbook.encoding.backends.yielding import Answers
from lookbook.encoding.encoder import Encoder
from tests.shapes import draw_shape


@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_the_same_is_computed_a_picture_at_a_time(tiny_model, backend):
    encoder = Encoder.load(tiny_model, backend=backend, precision="float32")
    turns = []
    late = encoder.yielding(lambda: turns.append(1))
    pictures = [draw_shape("red", kind) for kind in range(3)]
    np.testing.assert_allclose(late.encode(pictures), encoder.encode(pictures), atol=1e-5)
    assert len(turns) == 3
    for one, other in zip(
        late.feature_maps_of(pictures), encoder.feature_maps_of(pictures), strict=True
    ):
        for late_map, own_map in zip(one, other, strict=True):
            np.testing.assert_allclose(late_map, own_map, atol=1e-4)
    vector, features = late.encode_with_map(pictures[0], -1)
    own_vector, own_features = encoder.encode_with_map(pictures[0], -1)
    np.testing.assert_allclose(vector, own_vector, atol=1e-5)
    np.testing.assert_allclose(features, own_features, atol=1e-4)
    assert len(turns) == 7


def test_whoever_gives_way_goes_on_when_the_last_answer_is_made(monkeypatch):
    monkeypatch.setattr(yielding, "_MAX_WAIT", 600)
    answers, went_on = Answers(), threading.Event()
    wait = answers.give_way()
    waiting = threading.Thread(target=lambda: (wait(), went_on.set()), daemon=True)
    with answers.making():
        with answers.making():
            waiting.start()
        assert not went_on.wait(0.1), "one of two is still being made"
    assert went_on.wait(60)
    with pytest.raises(KeyError), answers.making():
        raise KeyError
    wait()  # an answer that failed is none any more


def test_a_site_that_is_never_quiet_holds_up_all_passes_of_a_task_once(monkeypatch):
    monkeypatch.setattr(yielding, "_MAX_WAIT", 0.05)
    answers = Answers()
    with answers.making():
        begin = time.monotonic()
        wait = answers.give_way()
        wait()
        assert time.monotonic() - begin >= 0.05
        monkeypatch.setattr(yielding, "_MAX_WAIT", 600)
        wait()  # a later pass of the same task
        assert time.monotonic() - begin < 60
