"""The collection as an imagefolder."""

from house_collection import products, write_imagefolder


def test_the_imagefolder_is_read_by_datasets(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert write_imagefolder(tmp_path / "house", 12, seed=1) == 12
    from datasets import load_dataset

    rows = load_dataset(
        "imagefolder",
        data_dir=str(tmp_path / "house"),
        split="train",
        cache_dir=str(tmp_path / "cache"),
    )
    assert len(rows) == 12
    assert rows[0]["image"].size == (384, 512)
    assert rows[3]["articleType"] == list(products(4, seed=1))[3].article


def test_the_same_seed_writes_the_same_bytes_with_any_number_of_workers(tmp_path):
    write_imagefolder(tmp_path / "a", 6, seed=2, workers=1)
    write_imagefolder(tmp_path / "b", 6, seed=2, workers=2)
    names = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert len(names) == 7
    assert all(
        (tmp_path / "a" / n).read_bytes() == (tmp_path / "b" / n).read_bytes() for n in names
    )
