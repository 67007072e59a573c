# SPDX-License-Identifier: Apache-2.0
"""Probes wherever they stand, and deploy/kubernetes: that its parts name each other rightly."""
import json
import pathlib
import re
import shutil

import yaml

from deploy_files import (DEPLOY, EXPORTER, check_configuration, documents, expect, mappings, run,
                          wrong)

KUBERNETES = DEPLOY / "kubernetes"
MONITORING = KUBERNETES / "overlays" / "monitoring"
DASHBOARDS = pathlib.Path("dashboards")
PROBES = {"startupProbe": "/startupz", "livenessProbe": "/livez", "readinessProbe": "/readyz"}
LOCKED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
          "capabilities": {"drop": ["ALL"]}}
NOBODY = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
# What each overlay must come to, counted by kind.
BUILT = {
    "base": {"ConfigMap": 1, "Deployment": 1, "NetworkPolicy": 1, "Service": 1},
    "overlays/central": {"ConfigMap": 1, "Deployment": 1, "NetworkPolicy": 1, "Service": 1,
                         "PodDisruptionBudget": 1},
    "overlays/sharded": {"ConfigMap": 1, "StatefulSet": 1, "NetworkPolicy": 1, "Service": 1,
                         "PodDisruptionBudget": 1},
    "overlays/sidecar": {"ConfigMap": 1, "Deployment": 1, "NetworkPolicy": 1, "Service": 1,
                         "PodDisruptionBudget": 1},
    "overlays/monitoring": {"ConfigMap": 4, "ServiceMonitor": 1, "PodMonitor": 1,
                            "PrometheusRule": 1}}


# ---- probes ----

def check_probe(where, probe, ports):
    period, timeout = probe.get("periodSeconds", 0), probe.get("timeoutSeconds", 0)
    expect(0 < timeout < period, where,
           "timeoutSeconds is shorter than periodSeconds, and both are given")
    target = probe.get("httpGet") or probe.get("tcpSocket") or {}
    expect(target.get("port") in ports, where, f"asks port {target.get('port')}, there is {ports}")


def check_container(where, container, default_port):
    """The exporter's own may depend on what their path says; of others only the times are known."""
    is_ours = container.get("name") == EXPORTER
    ports = [port for entry in container.get("ports", ())
             for port in (entry["containerPort"], entry.get("name"))]
    # A Pod has one network: anybody's probe may ask the exporter.
    ports.append(default_port)
    found = {name: container[name] for name in PROBES if name in container}
    found.update({f"{probe['type'].lower()}Probe": probe for probe in container.get("probes", ())})
    for name, probe in found.items():
        place = f"{where}: {container['name']}: {name}"
        check_probe(place, probe, ports)
        path = probe.get("httpGet", {}).get("path")
        if name == "livenessProbe":
            expect(path != "/readyz", place, "never depends on a dependency")
        if is_ours:
            expected = {PROBES[name], "/livez"} if name == "readinessProbe" else {PROBES[name]}
            expect(path in expected, place, f"asks {path} instead of {expected}")
    if is_ours:
        expect("livenessProbe" in found, where, f"{EXPORTER} has no liveness probe")


def check_exporter(where, container, pod, version):
    """The image is this version, and the container may do nothing that it does not need."""
    image = f"registry.example.com/health_exporter:{version}"
    expect(container["image"] == image, where, f"the image is {container['image']}, not {image}")
    if pod is None:
        return
    context = {**pod.get("securityContext", {}), **container.get("securityContext", {})}
    for key, value in {**LOCKED, **NOBODY}.items():
        expect(context.get(key) == value, where, f"securityContext has no {key}: {value}")
    expect("memory" in container.get("resources", {}).get("limits", {}), where, "no memory limit")


def check_containers(where, objects, port, version):
    for document in objects:
        for part in mappings(document):
            pod = part if "apiVersion" in document else None  # Azure has no security context
            for container in part.get("containers", ()):
                check_container(where, container, port)
                if container["name"] == EXPORTER:
                    check_exporter(where, container, pod, version)


# ---- the alerts for the operator ----

def check_rules():
    path = MONITORING / "prometheusrule.yml"
    _, written = run(MONITORING / "write-rules")
    expect(written == path.read_text(encoding="utf-8"), path,
           f"is not what alerts/ say: run {MONITORING}/write-rules >{path}")
    groups = [group for rule in documents(path) for group in rule["spec"]["groups"]]
    plain = [group for file in sorted(pathlib.Path("alerts").glob("*.yml"))
             for document in documents(file) for group in document["groups"]]
    expect(sorted(groups, key=str) == sorted(plain, key=str), path,
           "its groups are not those of alerts/")
    names = [group["name"] for group in groups]
    expect(len(names) == len(set(names)), path, "the name of a group is there once")


# ---- scraping ----

def has_labels(labels, selector):
    return all(labels.get(key) == value for key, value in selector["matchLabels"].items())


def check_endpoint(where, endpoint, ports):
    expect(endpoint["port"] in ports, where, f"scrapes {endpoint['port']}, there is {ports}")
    expect(endpoint["path"] == "/metrics", where, "scrapes the telemetry path")
    interval, timeout = (int(endpoint[key].removesuffix("s"))
                         for key in ("interval", "scrapeTimeout"))
    expect(timeout < interval <= 60, where,
           "scrapeTimeout is shorter than interval, which is at most 60s")


def check_job(where, job):
    """The alerts about the exporter know it by its scrape job alone."""
    text = pathlib.Path("alerts/exporter.yml").read_text(encoding="utf-8")
    for pattern in set(re.findall(r'job=~"([^"]+)"', text)):
        expect(re.fullmatch(pattern, job), where, f"the job {job} is not matched by {pattern}")


def check_monitors():
    service, = documents(KUBERNETES / "base" / "service.yml")
    sidecar, = documents(KUBERNETES / "overlays" / "sidecar" / "sidecar.yml")
    pod = sidecar["spec"]["template"]
    path = MONITORING / "servicemonitor.yml"
    monitor, = documents(path)
    expect(has_labels(service["metadata"]["labels"], monitor["spec"]["selector"]), path,
           "selects no service")
    for endpoint in monitor["spec"]["endpoints"]:
        check_endpoint(path, endpoint, [port["name"] for port in service["spec"]["ports"]])
    check_job(path, service["metadata"]["labels"][monitor["spec"]["jobLabel"]])
    path = MONITORING / "podmonitor.yml"
    monitor, = documents(path)
    expect(has_labels(pod["metadata"]["labels"], monitor["spec"]["selector"]), path,
           "selects no sidecar")
    ports = [port["name"] for container in pod["spec"]["containers"] for port in container["ports"]]
    for endpoint in monitor["spec"]["podMetricsEndpoints"]:
        check_endpoint(path, endpoint, ports)
    check_job(path, f"monitoring/{monitor['metadata']['name']}")


# ---- kustomize ----

def check_kustomizations():
    for path in [*sorted(KUBERNETES.rglob("kustomization.yml")), DASHBOARDS / "kustomization.yml"]:
        for document in documents(path):
            named = [*document.get("resources", ()),
                     *(patch["path"] for patch in document.get("patches", ()))]
            named += [file for maker in document.get("configMapGenerator", ())
                      for file in maker["files"]]
            for name in named:
                expect((path.parent / name).exists(), path, f"there is no {name}")
    maker, = documents(DASHBOARDS / "kustomization.yml")
    files = sorted(file for entry in maker["configMapGenerator"] for file in entry["files"])
    expect(files == sorted(file.name for file in DASHBOARDS.glob("*.json")),
           DASHBOARDS / "kustomization.yml", "names all dashboards")


def kustomize_is_there():
    if shutil.which("kubectl") is None:
        return False
    _, said = run("kubectl", "version", "--client")
    return re.search(r"Kustomize Version: v([4-9]|\d\d)\.", said) is not None


def check_shards(where, objects):
    """Each Pod is a shard, knows which, and has a name by which it can be asked."""
    headless = [document["metadata"]["name"] for document in objects
                if document["kind"] == "Service" and document["spec"].get("clusterIP") == "None"]
    for document in objects:
        if document["kind"] != "StatefulSet":
            continue
        spec = document["spec"]
        expect(spec["serviceName"] in headless, where, "has no headless Service")
        for container in spec["template"]["spec"]["containers"]:
            expect(f"--total-shards={spec['replicas']}" in container["args"], where,
                   "--total-shards is the number of replicas")
            expect("--shard=auto" in container["args"], where, "a Pod's name says its shard")


def check_built(program, name, objects):
    kinds = [document["kind"] for document in objects]
    counted = {kind: kinds.count(kind) for kind in kinds}
    expect(counted == BUILT[name], name, f"is built to {counted}, not {BUILT[name]}")
    mounted = {volume["configMap"]["name"] for part in mappings(objects)
               for volume in part.get("volumes", ()) if "configMap" in volume}
    for document in objects:
        if document["kind"] != "ConfigMap":
            continue
        for file, content in document["data"].items():
            if file.endswith(".json"):
                original = (DASHBOARDS / file).read_text(encoding="utf-8")
                expect(json.loads(content) == json.loads(original), name, f"{file} differs")
            else:
                check_configuration(program, f"{name}: {file}", content)
                expect(document["metadata"]["name"] in mounted, name, "nobody mounts its ConfigMap")


def whole_objects():
    """Those of the files that are no patches of others, as (where, object)."""
    patches = {path.parent / patch["path"] for path in KUBERNETES.rglob("kustomization.yml")
               for document in documents(path) for patch in document.get("patches", ())}
    return [(str(path), document) for path in sorted(KUBERNETES.rglob("*.yml"))
            if path not in patches for document in documents(path)
            if document.get("kind") not in (None, "Kustomization")]


def check_kubernetes(program, port, version):
    """Returns all objects that an API server would be given, as (where, object)."""
    check_rules()
    check_monitors()
    check_kustomizations()
    if not kustomize_is_there():
        print("check_deploy: no kubectl with kustomize 4 or later: overlays are not built")
        return whole_objects()
    built = []
    for name in BUILT:
        code, text = run("kubectl", "kustomize", KUBERNETES / name)
        if code != 0:
            wrong(name, f"cannot be built:\n{text}")
            continue
        objects = [document for document in yaml.safe_load_all(text) if document]
        check_containers(name, objects, port, version)
        check_shards(name, objects)
        check_built(program, name, objects)
        built += [(name, document) for document in objects]
    return built
