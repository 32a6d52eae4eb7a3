"""What packaging/ says of itself is true: it names nothing that does not exist, and asks for no needless
rights.
"""

from __future__ import annotations

import re
import tomllib
from configparser import RawConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGING = ROOT / "packaging"
DOCKERFILE = (PACKAGING / "Dockerfile").read_text("utf-8")


@pytest.fixture(scope="module")
def unit():
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # as its documentation says
    parser.read(PACKAGING / "monitor.service", "utf-8")
    return parser["Service"]


def test_the_unit_starts_the_service_and_lets_it_stop(unit):
    assert unit["ExecStart"].endswith("/monitor --config /etc/monitor run")
    assert unit["Type"] == "notify"
    assert int(unit["TimeoutStopSec"]) > 10
    assert unit["RestartPreventExitStatus"] == "2"
    assert unit["ExecReload"].endswith("-HUP $MAINPID")


def test_the_unit_has_no_more_rights_than_it_needs(unit):
    assert unit["User"] != "root"
    assert unit["ProtectSystem"] == "strict"
    assert unit["CapabilityBoundingSet"] == unit["AmbientCapabilities"] == ""
    for key in ("NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectHome", "RestrictNamespaces"):
        assert unit[key] == "yes", key
    assert unit["LoadCredential"].startswith("smtp-password:")


def test_the_image_is_built_from_files_that_are_there_and_reach_it():
    let_in = (PACKAGING / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    copied = [
        name
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
        for name in line.split()
    ]
    assert "pyproject.toml" in copied
    for name in copied:
        assert (ROOT / name).exists(), name
        assert f"!{name}" in let_in, name


def test_the_image_has_what_the_build_of_the_package_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    needed = {project["project"]["readme"], *project["project"]["license-files"]}
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed |= {*wheel["force-include"], *wheel["shared-data"]}
    assert all(name in DOCKERFILE for name in needed)
    offered = re.search(r"EXTRAS=\[([a-z,]+)\]", DOCKERFILE)[1].split(",")
    assert set(offered) <= set(project["project"]["optional-dependencies"])


def test_the_container_is_not_root_and_writes_nothing_but_its_volume():
    assert re.search(r"^USER (?!0|root)\d+:\d+$", DOCKERFILE, re.MULTILINE)
    assert re.findall(r"^VOLUME (.*)$", DOCKERFILE, re.MULTILINE) == ["/data"]
    assert "HEALTHCHECK" in DOCKERFILE
    compose = (PACKAGING / "compose.yaml").read_text("utf-8")
    for line in ("read_only: true", "- no-new-privileges:true", "- ALL", "- ./data:/data"):
        assert re.search(rf"^ +{re.escape(line)}$", compose, re.MULTILINE), line
