"""Checks events of OpenLineage: usage: check_lineage.py EVENTS [SPEC]

Against the classes that the official client generates from the specification's JSON schemas (names, members that must be
there, versions of facets), and against the JSON schemas themselves: SPEC is a directory with `OpenLineage.json` and
`facets/`, as the specification's repository has it. A facet whose very version is not there is checked by another version
of the same model, to which versions only add; one that is not there at all, by what the core demands of any. Then prints
what was checked.
"""

import importlib
import json
import pathlib
import pkgutil
import sys
import uuid
from collections import Counter

import attr
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
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

if len(sys.argv) < 3:
    print("skipped: the JSON schemas")
    sys.exit()
spec = pathlib.Path(sys.argv[2])
schemas = [json.loads(path.read_text()) for path in [spec / "OpenLineage.json", *sorted((spec / "facets").glob("*.json"))]]
registry = Registry().with_resources((schema["$id"], Resource.from_contents(schema)) for schema in schemas)
faults, by = [], {"its version": set(), "another version": set(), "the core alone": set()}


def check(reference, value, where):
    validator = Draft202012Validator({"$ref": reference}, registry=registry, format_checker=FormatChecker())
    faults.extend(f"{where}: {'/'.join(map(str, fault.path))}: {fault.message[:200]}" for fault in validator.iter_errors(value))


def model(schema):
    """`…/facets/1-2-0/NameFacet.json#…`: the model, which is the first number, and the file."""
    *_, version, file = schema.partition("#")[0].split("/")
    return version.partition("-")[0], file


def known_schema(wanted):
    """What there is to check a facet by, and how near it comes."""
    identifier, _, pointer = wanted.partition("#")
    if any(schema["$id"] == identifier for schema in schemas):
        return wanted, "its version"
    for schema in schemas:
        if model(schema["$id"]) == model(wanted):
            return f"{schema['$id']}#{pointer}", "another version"
    base = next(base for base in ("InputDatasetFacet", "OutputDatasetFacet", "DatasetFacet", "RunFacet", "JobFacet") if pointer.endswith(base))
    return f"{schemas[0]['$id']}#/$defs/{base}", "the core alone"


for event in events:
    check(event["schemaURL"], event, event["job"]["name"])
    for _, name, facet in facets(event):
        schema, nearness = known_schema(facet["_schemaURL"])
        check(schema, facet, f"{event['job']['name']} {name}")
        by[nearness].add(name)
assert not faults, "\n".join(faults)
assert len(by["its version"]) >= 5, by
print(f"{len(events)} events, by the JSON schemas: valid; facets by", "; ".join(f"{how}: {', '.join(sorted(names))}" for how, names in by.items() if names))
