"""What stands in ``deploy/`` is true: settings, commands, structure. Nothing of it is run here."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from typer.main import get_command

from assay.alert_settings import AlertSettings
from assay.digest_settings import DigestSettings
from assay.main import app
from assay.metric_table import METRICS, Kind
from assay.provider_settings import PROVIDER_KINDS, ProviderSettings, variable
from assay.settings import Settings
from assay.smtp_settings import SmtpSettings

DEPLOY = Path(__file__).parents[1] / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".pyc")
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
UNITS = sorted((DEPLOY / "systemd").glob("assay*.service"))
_PARTS = ("collect", "work", "api")
# Read by the files here, not by the program.
_OURS = {"ASSAY_IMAGE"}
Json = dict[str, Any]


def manifests() -> Iterator[Json]:
    for path in MANIFESTS:
        if path.name not in ("kustomization.yaml", "collector.yaml"):
            yield from yaml.safe_load_all(path.read_text())


def compose() -> Json:
    told: Json = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())
    return told


def pods() -> dict[str, Json]:
    """The pod of each workload, by its name."""
    return {
        each["metadata"]["name"]: each["spec"]["template"]
        for each in manifests()
        if each["kind"] in ("Deployment", "StatefulSet", "Job")
    }


def parses(arguments: list[str]) -> None:
    """Have the command line itself read these; raises where it would refuse them."""
    command = get_command(app)
    name, *rest = arguments
    found = command.get_command(command.make_context("assay", [], resilient_parsing=True), name)  # type: ignore[attr-defined]
    assert found is not None, name
    found.make_context(name, rest, resilient_parsing=False)


def test_every_variable_is_a_setting() -> None:
    known = {f"ASSAY_{name.upper()}" for name in Settings.model_fields}
    known |= {
        variable(of.name, field) for of in PROVIDER_KINDS for field in ProviderSettings.model_fields
    }
    known |= {
        f"{of.model_config.get('env_prefix')}{name.upper()}"
        for of in (AlertSettings, DigestSettings, SmtpSettings)
        for name in of.model_fields
    }
    known.add(str(DigestSettings.model_fields["time_zone"].validation_alias))
    told = {name for path in FILES for name in re.findall(r"\bASSAY_[A-Z_]+", path.read_text())}
    assert told - known - _OURS == set()
    assert "ASSAY_DATABASE_URL" in told


def test_every_command_line_is_one() -> None:
    assay = [
        list(map(str, each["command"]))
        for name, each in compose()["services"].items()
        if name in (*_PARTS, "migrate")
    ]
    for pod in pods().values():
        containers = [*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]]
        assay += [each["args"] for each in containers if each["image"] == "tokenassay"]
    for unit in UNITS:
        [line] = re.findall(
            r"^ExecStart=/opt/assay/bin/assay (.+)$", unit.read_text(), re.MULTILINE
        )
        assay.append(line.split())
    assert len(assay) == 4 + 7 + 5
    for arguments in assay:
        parses(arguments)


def test_compose_guards_every_container_of_ours() -> None:
    services = compose()["services"]
    for name in (*_PARTS, "migrate"):
        each = services[name]
        assert each["read_only"] is True
        assert each["cap_drop"] == ["ALL"]
        assert each["user"] == "10001:10001"
        assert "ports" not in each
        assert "migrate" in each["depends_on"] or name == "migrate"
    assert [name for name, each in services.items() if "ports" in each] == ["front"]
    told = compose()
    for each in services.values():
        named = [volume.partition(":")[0] for volume in each.get("volumes", ())]
        assert set(named) <= set(told["volumes"])
        assert {config["source"] for config in each.get("configs", ())} <= set(told["configs"])
        assert set(each.get("networks", ())) <= set(told["networks"])
        assert set(each.get("depends_on", ())) <= set(services)
    for config in told["configs"].values():
        assert (DEPLOY / "compose" / config["file"]).is_file()


def test_compose_builds_the_image_once_and_publishes_the_front_alone() -> None:
    """Services that each build the same would build it once each."""
    services = compose()["services"]
    [built] = [name for name, each in services.items() if "build" in each]
    images = {services[name]["image"] for name in (*_PARTS, "migrate")}
    assert (built, images) == ("migrate", {services["migrate"]["image"]})
    assert services["front"]["ports"] == ["80:80", "443:443", "443:443/udp"]


def test_every_pod_is_restricted_and_bounded() -> None:
    assert set(pods()) == {"migrate", *_PARTS, "gateway"}
    for name, pod in pods().items():
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        for each in (*spec.get("initContainers", ()), *spec["containers"]):
            guarded = each["securityContext"]
            assert guarded["allowPrivilegeEscalation"] is False, name
            assert guarded["readOnlyRootFilesystem"] is True
            assert guarded["capabilities"] == {"drop": ["ALL"]}
            assert each["resources"]["requests"].keys() == {"cpu", "memory"}
            assert "memory" in each["resources"]["limits"]


def test_selectors_ports_and_names_meet() -> None:
    labels = {name: pod["metadata"]["labels"] for name, pod in pods().items()}
    ports = {
        name: {port["name"] for c in pod["spec"]["containers"] for port in c.get("ports", ())}
        for name, pod in pods().items()
    }
    services = {each["metadata"]["name"]: each for each in manifests() if each["kind"] == "Service"}
    for name, each in services.items():
        assert each["spec"]["selector"] == labels[name]
        assert {port["targetPort"] for port in each["spec"]["ports"]} <= ports[name]
    for each in manifests():
        if each["kind"] == "PodDisruptionBudget":
            assert each["spec"]["selector"]["matchLabels"] == labels[each["metadata"]["name"]]
        if each["kind"] == "Ingress":
            for path in each["spec"]["rules"][0]["http"]["paths"]:
                service = path["backend"]["service"]
                offered = services[service["name"]]["spec"]["ports"]
                assert service["port"]["name"] in {port["name"] for port in offered}
    probed = {
        (name, probe["httpGet"]["path"])
        for name, pod in pods().items()
        for container in pod["spec"]["containers"]
        for kind in ("startupProbe", "readinessProbe", "livenessProbe")
        if "httpGet" in (probe := container.get(kind, {}))
    }
    assert probed == {("api", "/healthz"), ("api", "/readyz"), ("gateway", "/")}


def test_kustomize_lists_every_manifest() -> None:
    told = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())
    listed = {*told["resources"], *told["configMapGenerator"][0]["files"], "kustomization.yaml"}
    assert listed == {path.name for path in MANIFESTS}
    gateway = (DEPLOY / "gateway" / "collector.yaml").read_text()
    assert (DEPLOY / "kubernetes" / "collector.yaml").read_text() == gateway


def test_the_gateway_keeps_what_it_cannot_deliver_and_every_part_of_it_is_used() -> None:
    told = yaml.safe_load((DEPLOY / "gateway" / "collector.yaml").read_text())
    [exporter] = told["exporters"].values()
    assert exporter["sending_queue"]["storage"] in told["extensions"]
    assert exporter["auth"]["authenticator"] in told["extensions"]
    assert exporter["retry_on_failure"]["max_elapsed_time"] == 0
    assert set(told["service"]["extensions"]) == set(told["extensions"])
    assert set(told["service"]["pipelines"]) == {"logs", "metrics", "traces"}
    for pipeline in told["service"]["pipelines"].values():
        for kind in ("receivers", "processors", "exporters"):
            assert pipeline[kind] == list(told[kind])
    for protocol in told["receivers"]["otlp"]["protocols"].values():
        assert protocol["include_metadata"] is True


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed: the units were not verified")
    for path in (DEPLOY / "systemd").glob("assay*.*"):
        if path.suffix in (".service", ".timer"):
            told = path.read_text().replace("/opt/assay/bin/assay", sys.executable)
            (tmp_path / path.name).write_text(told)
    units = sorted(str(path) for path in tmp_path.iterdir())
    assert len(units) == 6
    done = subprocess.run([analyze, "verify", *units], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "assay" in line]
    assert (ours, len(units)) == ([], 6)


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_units_gain_nothing(unit: Path) -> None:
    lines = unit.read_text().splitlines()
    for line in (
        *("User=assay", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict"),
        *("PrivateTmp=yes", "UMask=0077"),
    ):
        assert line in lines


def test_the_dashboard_asks_only_for_metrics_that_there_are() -> None:
    told = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text())
    names = set()
    for each in METRICS:
        name = each.name.replace(".", "_") + ("_seconds" if each.unit == "s" else "")
        names |= {name + "_total"} if each.kind is Kind.COUNTER else {name}
        names |= {name + "_bucket"} if each.kind is Kind.HISTOGRAM else set()
    queries = [target["expr"] for panel in told["panels"] for target in panel["targets"]]
    asked = {name for query in queries for name in re.findall(r"\bassay_[a-z_]+", query)}
    assert asked - names == set()
    # All of them are shown somewhere.
    shown = {
        each.name for each in METRICS if any(each.name.replace(".", "_") in q for q in queries)
    }
    assert shown == {each.name for each in METRICS}
    attributes = {"le"} | {a.replace(".", "_") for each in METRICS for a in each.attributes}
    by = {
        name.strip()
        for query in queries
        for b in re.findall(r"by \(([^)]*)\)", query)
        for name in b.split(",")
    }
    assert by <= attributes


def test_the_image_has_what_the_product_needs_and_nothing_else() -> None:
    """As the first stage of the image does."""
    script = DEPLOY / "container" / "requirements.py"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    names = set(re.findall(r"^([a-zA-Z0-9._-]+)==", done.stdout, re.MULTILINE))
    assert {"fastapi", "sqlalchemy", "uvicorn", "psycopg-binary", "opentelemetry-sdk"} <= names
    assert names.isdisjoint({"pytest", "hypothesis", "mypy", "ruff", "schemathesis"})
    assert done.stdout.count("--hash=sha256:") >= len(names)
    # Where versions differ by Python's, all are there, one of which holds here.
    pinned = [
        Requirement(line) for line in re.findall(r"^(\S+==[^\\\n]+)", done.stdout, re.MULTILINE)
    ]
    here = {each.name for each in pinned if each.marker is None or each.marker.evaluate()}
    assert here == names


def test_the_image_wants_no_other_image_than_its_base_and_leaves_no_volume_behind() -> None:
    lines = (DEPLOY / "container" / "Containerfile").read_text().splitlines()
    # A 'syntax' line would fetch one more image before anything is built.
    assert not any(line.startswith("# syntax") for line in lines)
    bases = {line.split()[1] for line in lines if line.startswith("FROM ")}
    assert len(bases) == 1
    # Each container would get an unused one.
    assert not any(line.startswith("VOLUME") for line in lines)


def test_everywhere_it_is_the_same_user() -> None:
    told = (DEPLOY / "container" / "Containerfile").read_text()
    [user, group] = re.findall(r"^USER (\d+):(\d+)$", told, re.MULTILINE)[0]
    assert f"groupadd --gid {group} assay" in told
    assert f"useradd --uid {user} --gid assay" in told
    assert {compose()["services"][name]["user"] for name in _PARTS} == {f"{user}:{group}"}
    for pod in pods().values():
        guarded = pod["spec"]["securityContext"]
        assert (guarded["runAsUser"], guarded["runAsGroup"]) == (int(user), int(group))


def test_nobody_is_named_where_files_are_fetched_from() -> None:
    told = "".join(path.read_text() for path in FILES)
    for word in ("index-url", "find-links", "--registry", "sources.list", "proxy="):
        assert word not in told


def test_links_of_its_pages_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(DEPLOY)}: {target}"
        for page in FILES
        if page.suffix == ".md"
        for target in re.findall(r"\]\(([^)#]+)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []
