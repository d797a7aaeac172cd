"""Settings of `app`: the site."""

from __future__ import annotations

from pathlib import Path

from lookbook.settings.common import (
    BACKEND,
    DAMPING,
    DATABASE_URL,
    DEVICE,
    ENGINE,
    EXPOSURE,
    HIDE_SOLD_OUT,
    INDEX,
    LANGUAGES,
    LINK_PARAMETERS,
    MILVUS_URI,
    SHOP_URL,
    STATE,
    THESAURUS,
)
from lookbook.settings.indexing import EMBED
from lookbook.settings.setting import Setting

LIMITS = (
    Setting(
        "rate",
        20.0,
        "requests a second of one client, ten seconds' worth at once; an upload counts as one for "
        "each quarter of a megabyte, the page as four; 0: no limit",
        float,
        environment=True,
        min=0,
        max=10_000,
    ),
    Setting("queue-size", 64, "requests that may wait", int, environment=True, min=1, max=10_000),
    Setting(
        "connections",
        1000,
        "open at once, a quarter of them by one client",
        int,
        environment=True,
        min=10,
        max=100_000,
    ),
    Setting(
        "answer-seconds",
        30.0,
        "that an answer may take before a sentence is sent instead",
        float,
        environment=True,
        min=1,
        max=3600,
    ),
    Setting(
        "max-upload", 40, "MB of one upload that arrive", int, environment=True, min=1, max=1000
    ),
    Setting("max-body", 32, "MB of any other request", int, environment=True, min=1, max=1000),
    Setting(
        "frame-ancestors",
        None,
        "sites that may show this one in a frame, e.g. \"'self' https://shop.example\"; without it "
        "this site alone, on Spaces Hugging Face too",
        environment=True,
    ),
    Setting(
        "embed-origins",
        None,
        "origins of a shop whose pages may show similar pieces (docs/EMBED.md), e.g. "
        "https://shop.example; without it /embed is off",
        environment=True,
    ),
    Setting(
        "owner-password",
        None,
        "password of /owner, where the owner indexes catalogues and sees what visitors do "
        "(docs/OWNER.md); better given by the variable; without it /owner is off",
        environment=True,
        secret=True,
    ),
    Setting(
        "owner-upload",
        1000,
        "MB of a catalogue that the owner uploads",
        int,
        environment=True,
        min=1,
        max=100_000,
    ),
    Setting("mcp", True, "offer the endpoints as tools for agents (MCP)", bool, environment=True),
    Setting("api", True, "offer the endpoints and their page to programs", bool, environment=True),
    Setting(
        "auth",
        None,
        "names and passwords of who may see the site, by commas; better by the variable, as other "
        "users of the machine can read command lines. Or huggingface: whoever logs in there; "
        "huggingface=NAME,NAME: only these users and members of organisations",
        environment=True,
        secret=True,
        metavar="USER:PASSWORD",
    ),
)

OPERATION = (
    Setting(
        "log-format",
        "text",
        "of what is logged on stderr; json: an object a line, with one for each answer too",
        choices=("text", "json"),
        environment=True,
    ),
    Setting(
        "metrics",
        False,
        "serve /metrics for Prometheus, to this machine and to whoever has the token",
        bool,
        environment=True,
    ),
    Setting(
        "metrics-token",
        None,
        "bearer token with which other machines may read /metrics; better by the variable",
        environment=True,
        secret=True,
        metavar="TOKEN",
    ),
)

BRANDING = (
    Setting("name", "Lookbook", "name of the site", environment=True),
    Setting("tagline", "Find clothes by picture.", "line below the name", environment=True),
    Setting(
        "logo", None, "picture shown for the name: SVG, PNG, WebP or JPEG", Path, environment=True
    ),
    Setting("accent", None, "colour of what is pressed and of links: #b92b33", environment=True),
    Setting(
        "footer-links",
        None,
        'links of the footer: "Imprint=https://shop.example/imprint; Privacy=https://..."',
        environment=True,
    ),
    Setting(
        "pages",
        "find,foryou,saved,explore,about,api",
        "pages of the site, by commas; find is always there",
        environment=True,
    ),
    Setting(
        "language",
        "auto",
        "language of the interface; auto: the one that each visitor's browser prefers",
        choices=("auto", *LANGUAGES),
        environment=True,
    ),
)

APP = (
    INDEX,
    Setting(
        "host",
        None,
        "address to listen on; without it GRADIO_SERVER_NAME, or 127.0.0.1",
        environment=True,
    ),
    Setting("port", 7860, "port to listen on", int, environment=True, min=1, max=65535),
    Setting("share", False, "ask gradio for a public link", bool, environment=True),
    ENGINE,
    MILVUS_URI,
    DEVICE,
    BACKEND,
    Setting("model", None, "the encoder, where it has moved since the index was built"),
    Setting("results", 24, "results shown at first", int, environment=True, min=1, max=96),
    STATE,
    DATABASE_URL,
    THESAURUS,
    *BRANDING,
    SHOP_URL,
    HIDE_SOLD_OUT,
    LINK_PARAMETERS,
    Setting(
        "hemisphere",
        "north",
        "hemisphere of the visitors, which decides the season of a date",
        choices=("north", "south"),
        environment=True,
    ),
    Setting(
        "reload-seconds",
        5.0,
        "seconds between two checks for a new generation of the index; 0: never",
        float,
        environment=True,
        min=0,
        max=86400,
    ),
    Setting(
        "refresh-hours",
        24.0,
        "hours between two retrainings of the recommenders; 0: never",
        float,
        environment=True,
        min=0,
        max=8760,
    ),
    Setting(
        "refresh-events",
        1000,
        "retrain after so many new events, too; 0: never",
        int,
        environment=True,
        min=0,
    ),
    Setting(
        "keep-events",
        180.0,
        "days after which likes and views of visitors are deleted; 0: never",
        float,
        environment=True,
        min=0,
        max=36500,
    ),
    Setting(
        "fetch-urls",
        False,
        "fetch the picture whose address a visitor pastes: from public hosts only, up to 20 MB "
        "within 10 seconds; nothing of it is kept",
        bool,
        environment=True,
    ),
    *LIMITS,
    *OPERATION,
    *EXPOSURE,
    DAMPING,
)

# of other programs and libraries in the process of the site
_OTHER_SECRETS = (
    *("OAUTH_CLIENT_SECRET", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"),
    *("PGPASSWORD", "POSTGRES_PASSWORD"),
)


def secrets_of_site() -> frozenset[str]:
    """Return the variables of secrets that `catalog` and `embed` do not need."""
    own = {s.env_var for s in APP if s.secret and s not in EMBED}
    return frozenset(own.union(_OTHER_SECRETS))
