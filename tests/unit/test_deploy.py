"""The files of deploy/ agree with each other, with the program, and with what CI can run."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from lookbook import settings

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
NGINX = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
SITES = [name for name, service in COMPOSE["services"].items() if service["image"] == "lookbook"]


def test_nginx_asks_every_site_of_the_compose_file():
    assert len(SITES) >= 2
    assert re.findall(r"server (\w+):7860", NGINX) == SITES
    assert "EXPOSE 7860" in DOCKERFILE


def test_every_service_says_whether_it_is_well():
    for name, service in COMPOSE["services"].items():
        assert "healthcheck" in service or name in SITES, name
    assert "HEALTHCHECK" in DOCKERFILE and "/readyz" in DOCKERFILE


def test_nothing_runs_as_root_or_may_gain_rights():
    assert re.search(r"^USER (?!root)\w+$", DOCKERFILE, re.MULTILINE)
    for name in SITES:
        assert COMPOSE["services"][name]["cap_drop"] == ["ALL"]
        assert COMPOSE["services"][name]["read_only"] is True


def test_the_variables_are_those_of_the_program():
    known = {f"LOOKBOOK_{s.name.upper().replace('-', '_')}" for s in settings.APP if s.environment}
    for name in SITES:
        given = COMPOSE["services"][name]["environment"]
        assert {variable for variable in given if variable.startswith("LOOKBOOK_")} <= known


def test_nginx_lets_through_what_the_site_accepts():
    upload = next(setting.default for setting in settings.APP if setting.name == "max-upload")
    accepted = int(re.search(r"client_max_body_size (\d+)m", NGINX).group(1))
    assert upload <= accepted <= upload + 4
