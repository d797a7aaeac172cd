"""What several tests share: a small real model, drawn pictures, and no network."""

from __future__ import annotations

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.postgres import postgres
from tests.shapes import COLOURS, draw_shape

# a busy machine is slow, not wrong
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

# their time passes in other processes, in torch or in what unit tests cover: tracing only delays
UNTRACED = (
    "tests/browser",
    "tests/fuzz",
    "tests/integration",
    "tests/unit/training",
)


def pytest_collection_modifyitems(config, items):
    """Measure coverage only where that costs little: see UNTRACED."""
    if config.pluginmanager.hasplugin("_cov"):
        for item in items:
            if item.nodeid.startswith(UNTRACED):
                item.add_marker("no_cover")


def pytest_sessionfinish(session):
    """On the CI machine nothing may be skipped: everything that the tests need is installed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("LOOKBOOK_NOTHING_SKIPPED") and reporter.stats.get("skipped"):
        reporter.write_line("skipped where nothing may be: this run has failed")
        session.exitstatus = 1


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> Path:
    """A real transformers ResNet with few weights, drawn from a seed, and its preprocessor."""
    import torch
    from transformers import ResNetConfig, ResNetModel
    from transformers.models.convnext.image_processing_pil_convnext import (
        ConvNextImageProcessorPil,
    )

    folder = tmp_path_factory.mktemp("models") / "tiny"
    torch.manual_seed(0)
    config = ResNetConfig(
        embedding_size=8, hidden_sizes=[16, 32], depths=[1, 1], layer_type="basic"
    )
    ResNetModel(config).save_pretrained(folder)
    ConvNextImageProcessorPil(size={"shortest_edge": 48}, crop_pct=1.0).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def shapes(tmp_path_factory) -> Path:
    """An imagefolder of 15 drawn pictures with metadata, and one file that is no picture."""
    folder = tmp_path_factory.mktemp("shapes")
    rows = ["file_name,id,title,colour,kind"]
    for colour in COLOURS:
        for kind in range(3):
            name = f"{colour}-{kind}.png"
            draw_shape(colour, kind).save(folder / name)
            rows.append(f"{name},{colour}{kind},{colour.title()} shape {kind},{colour},{kind}")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 this was a picture once")
    rows.append("broken.jpg,broken,Broken,red,0")
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def postgres_url():
    """A PostgreSQL that lives as long as the tests."""
    with postgres() as url:
        if url is None:
            pytest.skip("PostgreSQL is not installed: Debian's package is postgresql")
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    """The URL of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'events.sqlite'}"
        return
    from sqlalchemy import create_engine, text

    url = request.getfixturevalue("postgres_url")
    admin = create_engine(
        url.replace("postgresql", "postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    name = f"t{abs(hash(str(tmp_path))):x}"
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
    yield url.rsplit("/", 1)[0] + f"/{name}"
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(scope="session")
def milvus_file(tmp_path_factory) -> Path:
    """A file for Milvus Lite, of which one process can have one open."""
    return tmp_path_factory.mktemp("milvus") / "lite.db"


@pytest.fixture
def milvus_lite(milvus_file, monkeypatch) -> Path:
    """The engine milvus works, in the file of this session."""
    monkeypatch.setenv("LOOKBOOK_MILVUS_URI", str(milvus_file))
    return milvus_file
