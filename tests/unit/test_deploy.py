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


def test_milvus_starts_by_its_profile_and_is_where_the_sites_ask():
    services = COMPOSE["services"]
    optional = {
        name for name, service in services.items() if "milvus" in service.get("profiles", ())
    }
    assert optional == {"milvus", *services["milvus"]["depends_on"]}
    assert not any("ports" in services[name] for name in optional), "open to the others only"
    for name in SITES:
        given = services[name]["environment"]
        assert (
            re.search(r":-http://(\w+):19530}$", given["LOOKBOOK_MILVUS_URI"]).group(1) in optional
        )
        assert given["LOOKBOOK_ENGINE"] == "${LOOKBOOK_ENGINE:-auto}"
        assert services[name]["depends_on"]["milvus"]["required"] is False
    environment = services["milvus"]["environment"]
    for address in (environment["ETCD_ENDPOINTS"], environment["MINIO_ADDRESS"]):
        assert address.split(":")[0] in optional
    login = services["minio"]["environment"]
    assert environment["MINIO_ACCESS_KEY_ID"] == login["MINIO_ROOT_USER"]
    assert environment["MINIO_SECRET_ACCESS_KEY"] == login["MINIO_ROOT_PASSWORD"]


def test_every_volume_is_declared():
    mounts = [m for service in COMPOSE["services"].values() for m in service.get("volumes", ())]
    named = {mount.split(":")[0] for mount in mounts if not mount.startswith((".", "/", "$"))}
    assert named == set(COMPOSE["volumes"])


def test_the_image_can_have_the_package_of_milvus():
    assert "ARG PACKAGES" in DOCKERFILE and "$PACKAGES" in DOCKERFILE
    lock = (DEPLOY.parent / "requirements-dev.lock").read_text(encoding="utf-8")
    assert re.search(r"^pymilvus==", lock, re.MULTILINE)
