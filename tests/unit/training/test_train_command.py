"""The options and runs of `train.py`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import ResNetConfig, ResNetModel

from lookbook import Encoder
from lookbook.commands import train
from lookbook.encoding.encoder import DEFAULT_MODEL
from lookbook.training.options import RENAMED_OPTIONS, parse_options
from tests.shapes import draw_shape

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def trained(shapes, tmp_path):
    """A function that runs the script on a few images, with more options."""

    def run(*more):
        command = [sys.executable, str(ROOT / "train.py"), "--data", str(shapes)]
        command += ["--work", str(tmp_path / "work"), "--output", str(tmp_path / "model")]
        command += ["--size", "32", "--batch", "4", "--dim", "20", "--threads", "2"]
        command += ["--start-from", "none", "--memory-size", "4096"]
        command += ["--export-size", "64", "--log-every", "1"]
        command += ["--head-finetune-pairs", "8", "--head-finetune-epochs", "8", *map(str, more)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)

    return run


def test_train_runs_resumes_and_exports_what_encoder_load_reads(trained, tmp_path):
    """The second call resumes the first, the third starts from what they exported."""
    for steps in (2, 3):
        done = trained("--steps", steps)
        assert done.returncode == 0, done.stderr
    more = ["--start-from", tmp_path / "model", "--work", tmp_path / "other"]
    more += ["--interpolate-with", tmp_path / "model", "--interpolation-share", 0.25]
    more += ["--head-warmup-pairs", 4, "--output", tmp_path / "second"]
    more += ["--stochastic-depth", 0.2, "--distill-weight", 1]
    done = trained(*more, "--still", 2, "--memory-size", 0, "--steps", 1)
    assert done.returncode == 0, done.stderr
    assert "DeprecationWarning: --still is now --freeze-stages" in done.stderr
    options, initial, step = (tmp_path / "other/log.jsonl").read_text().splitlines()[:3]
    assert json.loads(options)["options"]["freeze_stages"] == 2
    assert json.loads(initial)["interpolation_share"] == 0.25
    assert json.loads(step)["ema general"] >= 0
    warmup_losses = json.loads(initial)["head_warmup"]
    assert warmup_losses[-1] < warmup_losses[0]
    assert Encoder.load(tmp_path / "second").dim == 20
    log = [json.loads(line) for line in (tmp_path / "work/log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in log if "views" in row] == [1, 2, 3]
    assert [row["options"]["steps"] for row in log if "options" in row] == [2, 3]
    validations = [row["validation"] for row in log if "validation" in row and "step" in row]
    assert len(validations) == 2
    assert all(0 <= value <= 1 for metrics in validations for value in metrics.values())
    finetuned = [row["head_finetuning"] for row in log if "head_finetuning" in row]
    assert len(finetuned) == 2
    assert finetuned[0][-1] < finetuned[0][0], "fine-tuning lowers its loss"
    assert (tmp_path / "model/training.png").read_bytes().startswith(b"\x89PNG")
    encoder = Encoder.load(tmp_path / "model")
    assert (encoder.dim, encoder.preprocessing.size) == (20, 64)
    assert encoder.encode([draw_shape("red", 0)]).shape == (1, 20)
    assert encoder.encode_text(["shape"]).shape == (1, 20)
    assert encoder.unknown_words("zebra shape") == ["zebra"]


def test_weights_that_cannot_be_exported_are_rejected_before_training(trained, tmp_path):
    bare = ResNetModel(ResNetConfig())
    bare.embedder.embedder.normalization.running_var[3] = 1e5
    bare.save_pretrained(tmp_path / "bare")
    done = trained("--start-from", tmp_path / "bare", "--steps", 1)
    assert done.returncode != 0
    assert "running_var: expected values up to 65,504" in done.stderr
    assert not (tmp_path / "work/log.jsonl").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--start-from", ROOT), "expected a folder with config.json, found"),
        (
            ("--start-from", DEFAULT_MODEL, "--dim", 20),
            "expected heads of [12, 6, 2], found [192, 192, 64]",
        ),
        (("--interpolate-with", DEFAULT_MODEL), "needs weights in --start-from"),
        (("--interpolation-share", 1.5), "expected 0 to 1"),
        (("--freeze-stages", 6), "--freeze-stages 6: expected 0 to 5"),
        (("--dim", 6), "--dim 6: expected 7 or more"),
        (("--batch", 0), "argument --batch: expected 1 or more, found 0"),
        (("--lr", "nan"), "argument --lr: expected 0 or more, found nan"),
        (("--size", "big"), "argument --size: invalid number value: 'big'"),
        (("--mix-share", 2), "--mix-share 2.0: expected 0 to 1"),
        (("--stochastic-depth", 1.5), "--stochastic-depth 1.5: expected 0 to 1"),
        (("--distill-weight", -1), "argument --distill-weight: expected 0 or more, found -1"),
        (("--device", "tpu"), "argument --device: invalid choice: 'tpu'"),
    ],
)
def test_invalid_options_are_rejected_before_data_is_read(capsys, tmp_path, options, message):
    valid = ["--data", "nowhere", "--work", tmp_path / "work", "--start-from", "none", "--dim", 20]
    with pytest.raises(SystemExit) as stopped:
        train.main([*map(str, (*valid, *options))])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "work").exists()


def test_a_gpu_that_is_not_there_is_not_asked_for(capsys, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert parse_options(["--data", "shop"]).device == "cpu"
    with pytest.raises(SystemExit):
        parse_options(["--data", "shop", "--device", "cuda"])
    message = capsys.readouterr().err
    assert "--device cuda: expected an NVIDIA GPU and a torch built for CUDA, found" in message
    assert "use --device cpu" in message
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert parse_options(["--data", "shop"]).device == "cuda"
    assert parse_options(["--data", "shop", "--device", "cpu"]).device == "cpu"


@pytest.mark.parametrize("option", [("--views", "strong"), ("--mix-share", "0.1")])
def test_what_kornia_does_asks_for_kornia(capsys, monkeypatch, option):
    assert parse_options(["--data", "shop", "--device", "cpu", *option])
    monkeypatch.setattr("lookbook.training.options.has_kornia", lambda: False)
    assert parse_options(["--data", "shop", "--device", "cpu"])
    with pytest.raises(SystemExit):
        parse_options(["--data", "shop", "--device", "cpu", *option])
    message = capsys.readouterr().err
    assert "expected the package kornia, found none; run `pip install kornia`" in message


def test_options_of_earlier_versions_are_accepted_with_a_warning():
    values = {"--handheld": "phone.parquet", "--blend": str(DEFAULT_MODEL), "--words-anew": None}
    for old, new in RENAMED_OPTIONS.items():
        value = values.get(old, "1")
        arguments = ["--data", "shop", old, *([value] if value else [])]
        with pytest.warns(DeprecationWarning, match=f"^{old} is now {new}$"):
            parsed = vars(parse_options(arguments))
        arguments[2] = new
        assert parsed == vars(parse_options(arguments))
        assert parsed != vars(parse_options(["--data", "shop"])), "the option has an effect"
