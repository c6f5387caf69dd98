"""Checks events of OpenLineage: usage: check_lineage.py EVENTS [SPEC]

Against the classes that the official client generates from the specification's JSON schemas (names, members that must be
there, versions of facets), and against the JSON schemas themselves where SPEC names the directory `spec` of the
specification's repository. Then prints what was checked.
"""

import importlib
import json
import pathlib
import pkgutil
import sys
import uuid
from collections import Counter

import attr
from openlineage.client import event_v2, generated

events = [json.loads(line) for line in pathlib.Path(sys.argv[1]).read_text().splitlines()]
assert events, "no events"

classes = {}
for module in pkgutil.iter_modules(generated.__path__):
    for value in vars(importlib.import_module(f"{generated.__name__}.{module.name}")).values():
        if isinstance(value, type) and attr.has(value) and hasattr(value, "_get_schema"):
            classes[value._get_schema()] = value


def facets(event):
    yield from (("run", name, facet) for name, facet in event["run"].get("facets", {}).items())
    yield from (("job", name, facet) for name, facet in event["job"].get("facets", {}).items())
    for data in event["inputs"] + event["outputs"]:
        for kind in ("facets", "inputFacets", "outputFacets"):
            yield from ((kind, name, facet) for name, facet in data.get(kind, {}).items())


def wrong(of, values):
    """Members of a generated class that are missing, and those that it does not know."""
    known = {field.name: field for field in attr.fields(of)}
    given = {name for name in values if not name.startswith("_")}
    needed = {name for name, field in known.items() if field.default is attr.NOTHING and field.init and not name.startswith("_")}
    return (needed - given) | (given - set(known))


seen, own = Counter(), Counter()
for event in events:
    version = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
    assert event["schemaURL"] == version == event_v2.RunEvent._get_schema(), event["schemaURL"]
    uuid.UUID(event["run"]["runId"])
    assert event["eventType"] in event_v2.RunState.__members__, event["eventType"]
    for kind, name, facet in facets(event):
        schema = facet["_schemaURL"]
        assert facet["_producer"].startswith("https://"), facet
        if name.startswith("atsaf_"):
            own[name] += 1
            continue
        assert schema in classes, f"{name}: the client knows no {schema}"
        assert not wrong(classes[schema], facet), f"{name}: {wrong(classes[schema], facet)}"
        seen[name] += 1
print(f"{len(events)} events, by the official client's classes:", ", ".join(f"{name} {count}" for name, count in sorted(seen.items())))
print("own:", dict(own))

# One START and one end for each run, in this order, and a parent that is there.
ends = {"COMPLETE", "FAIL", "ABORT"}
runs = {}
for event in events:
    runs.setdefault(event["run"]["runId"], []).append(event["eventType"])
assert all(len(kinds) == 2 and kinds[0] == "START" and kinds[1] in ends for kinds in runs.values()), runs
for event in events:
    parent = event["run"]["facets"].get("parent")
    if event["job"]["facets"]["jobType"]["jobType"] == "TARGET":
        assert parent["run"]["runId"] in runs, parent

if len(sys.argv) > 2:
    from jsonschema import Draft202012Validator, FormatChecker
    from referencing import Registry, Resource

    spec = pathlib.Path(sys.argv[2])
    schemas = [json.loads(path.read_text()) for path in [spec / "OpenLineage.json", *(spec / "facets").glob("*.json")]]
    registry = Registry().with_resources((schema["$id"], Resource.from_contents(schema)) for schema in schemas)
    faults = []

    def check(reference, value, where):
        validator = Draft202012Validator({"$ref": reference}, registry=registry, format_checker=FormatChecker())
        faults.extend(f"{where}: {'/'.join(map(str, fault.path))}: {fault.message[:200]}" for fault in validator.iter_errors(value))

    count = 0
    for event in events:
        check(event["schemaURL"], event, event["job"]["name"])
        for _, name, facet in facets(event):
            check(facet["_schemaURL"], facet, f"{event['job']['name']} {name}")
            count += 1
    assert not faults, "\n".join(faults)
    print(f"{len(events)} events and {count} facets, by the JSON schemas: valid")
else:
    print("skipped: the JSON schemas, for no package of a registry holds them; OPENLINEAGE_SPEC=…/spec checks them too")
