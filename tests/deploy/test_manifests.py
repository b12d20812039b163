"""What is deployed with: valid by its own schemas, and in step with the code it starts."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate  # pyright: ignore[reportMissingTypeStubs]
import pytest
import yaml

from agents.registry import agents, tools
from domain.routing import PROVIDERS
from runtime.devserver import SERVER_FLAGS
from runtime.settings import PROJECT, Settings, variable_of

DEPLOY = PROJECT / "deploy"
BASE = DEPLOY / "kubernetes" / "base"
KUBERNETES = ("1.33", "1.37")
# Where the Kubernetes schemas end: these modules bring those of what is added to a cluster.
KEDA = "github.com/kedacore/keda/v2@v2.21.0"
COMPOSE = "github.com/compose-spec/compose-go/v2@v2.16.2"

Document = dict[str, Any]


@pytest.fixture(scope="module")
def built() -> list[Document]:
    """What `kubectl apply -k` would send."""
    return kustomized(BASE)


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> list[Document]:
    """The same with the component that encrypts payloads, as an overlay adds it."""
    overlay = tmp_path_factory.mktemp("overlay")
    shutil.copytree(DEPLOY / "kubernetes", overlay / "kubernetes")
    own = {"resources": ["kubernetes/base"], "components": ["kubernetes/encrypted"]}
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(own))
    return kustomized(overlay)


def kustomized(folder: Path) -> list[Document]:
    """Return what a folder's kustomization comes to."""
    kustomize = ["kubectl", "kustomize"] if shutil.which("kubectl") else ["kustomize", "build"]
    if shutil.which(kustomize[0]) is None:
        pytest.skip("neither kubectl nor kustomize is found, so nothing builds the manifests")
    told = subprocess.run([*kustomize, folder], check=True, capture_output=True)  # noqa: S603
    return list(yaml.safe_load_all(told.stdout))


def of(kind: str, documents: list[Document]) -> Iterator[Document]:
    """Return the documents of a kind."""
    return (each for each in documents if each["kind"] == kind)


def pods(documents: list[Document]) -> Iterator[tuple[str, Document]]:
    """Return the name and the pod of everything that starts one."""
    for each in documents:
        spec = each.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "template" in spec:
            yield each["metadata"]["name"], spec["template"]["spec"]


def module(name: str) -> Path:
    """Return the folder of a Go module."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("no Go is found, so the schemas cannot be fetched")
    # Not the project's folder, which is no module.
    told = subprocess.run(  # noqa: S603
        [go, "mod", "download", "-json", name], check=True, capture_output=True, cwd="/"
    )
    return Path(json.loads(told.stdout)["Dir"])


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_takes_each_document(encrypted: list[Document], version: str) -> None:
    """Strictly: a field that Kubernetes does not know is an error."""
    known = [each for each in encrypted if each["kind"] != "ScaledObject"]

    for each in known:
        kubernetes_validate.validate(each, version, strict=True)

    assert len(known) > 20


def test_everything_that_meets_payloads_has_the_keys(encrypted: list[Document]) -> None:
    """Each pod of the image mounts them where the setting says; the backup does not."""
    (settings,) = of("ConfigMap", encrypted)
    where = settings["data"]["HOLDFAST_ENCRYPTION_KEYS"]

    has = {
        name: any(mount["mountPath"] == where for mount in pod["containers"][0]["volumeMounts"])
        for name, pod in pods(encrypted)
    }

    assert has.pop("holdfast-backup") is False
    assert "holdfast-codec" in has
    assert all(has.values())


@pytest.mark.timeout(300)
def test_keda_takes_each_scaled_object(built: list[Document]) -> None:
    """By the schema that KEDA's own definition brings; its triggers are named as it names them."""
    folder = module(KEDA) / "config" / "crd" / "bases"
    definition = yaml.safe_load((folder / "keda.sh_scaledobjects.yaml").read_text("utf-8"))
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    source = (module(KEDA) / "pkg" / "scalers" / "temporal_scaler.go").read_text("utf-8")
    settings = set(re.findall(r"keda:\"name=(\w+),", source))

    for each in of("ScaledObject", built):
        jsonschema.validate(each, schema)
        for trigger in each["spec"]["triggers"]:
            assert set(trigger["metadata"]) <= settings


@pytest.mark.timeout(300)
def test_compose_takes_its_file() -> None:
    """By the compose specification's schema; what is mounted is there."""
    schema = json.loads((module(COMPOSE) / "schema" / "compose-spec.json").read_text("utf-8"))
    file = DEPLOY / "compose" / "compose.yaml"
    found = yaml.safe_load(file.read_text("utf-8"))

    jsonschema.validate(found, schema)

    for service in found["services"].values():
        for volume in service.get("volumes", ()):
            source = str(volume).partition(":")[0]
            if source.startswith("."):
                assert (file.parent / source).exists(), source


def test_no_pod_has_rights(encrypted: list[Document]) -> None:
    """No root, no writable system, no privilege, no token for the cluster; memory is bounded."""
    found = list(pods(encrypted))

    for name, pod in found:
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"] is True, name
            assert security["allowPrivilegeEscalation"] is False, name
            assert security["capabilities"] == {"drop": ["ALL"]}, name
            assert "memory" in container["resources"]["limits"], name
    assert len(found) == 9


def test_every_queue_has_its_deployment(built: list[Document]) -> None:
    """The runs', each model's and each limited tool's; each but a tool's is scaled and guarded."""
    served: dict[str, str] = {}
    for each in of("Deployment", built):
        arguments = each["spec"]["template"]["spec"]["containers"][0]["args"]
        if arguments[0] == "worker.py":
            served[arguments[2].partition("=")[0]] = each["metadata"]["name"]
    limited = {tool.spec.queue for tool in tools(agents().values()).values() if tool.spec.queue}
    expected = {Settings().task_queue, *limited, "llm.openai", "llm.anthropic"}

    assert set(served) == expected
    assert {f"llm.{vendor}" for vendor in PROVIDERS} >= {"llm.openai", "llm.anthropic"}
    main = {served[queue] for queue in expected - limited}
    assert {each["metadata"]["name"] for each in of("ScaledObject", built)} == main
    assert {each["metadata"]["name"] for each in of("PodDisruptionBudget", built)} > main


def test_the_settings_are_settings(built: list[Document]) -> None:
    """Each variable is one that the code reads."""
    known = {variable_of(field) for field in Settings.model_fields}
    known |= {f"{name}_FILE" for name in known}
    (settings,) = of("ConfigMap", built)

    for name in settings["data"]:
        assert name in known or name.startswith(("TEMPORAL_", "OTEL_")), name


def test_every_server_has_the_settings_that_the_figures_hold_for() -> None:
    """The embedded one, the cluster's file and the chart's values say the same."""
    flags = (flag for flag in SERVER_FLAGS if "dynamic-config-value" in flag)
    pairs = (flag.partition("=")[2].partition("=") for flag in flags)
    embedded = {name: json.loads(value) for name, _, value in pairs}
    file = yaml.safe_load((DEPLOY / "temporal" / "dynamic.yaml").read_text("utf-8"))
    values = yaml.safe_load((DEPLOY / "kubernetes" / "temporal-values.yaml").read_text("utf-8"))

    for found in (file, values["server"]["dynamicConfig"]):
        assert {name: each[0]["value"] for name, each in found.items()} == embedded


def test_the_image_has_what_the_program_reads() -> None:
    """Each folder and file of the program is copied into it, and sent to its build."""
    dockerfile = (DEPLOY / "Dockerfile").read_text("utf-8")
    sent = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    folders = ("domain", "workflows", "activities", "agents", "commands", "runtime")

    for each in (*folders, "worker.py", "starter.py", "requirements.txt"):
        assert re.search(rf"^COPY (.* )?{re.escape(each)}\b", dockerfile, re.MULTILINE), each
        assert f"!{each}" in sent, each
    assert "USER 10001" in dockerfile
