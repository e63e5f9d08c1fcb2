"""The emulator's GraphQL schema is the published one, and what has no resolver says so."""

import os
from pathlib import Path

import pytest
from graphql import build_schema, is_input_object_type, is_object_type

from xray_ci.emulator.graphql.engine import schema

FINGERPRINT = Path(__file__).resolve().parents[1] / "data" / "emulator" / "graphql-schema.txt"
PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "xray" / "xray-cloud.graphql"


def fingerprint(of):
    """Return every type, field and argument with its type, one a line."""
    lines = []
    for name, kind in sorted(of.type_map.items()):
        if name.startswith("__") or not (is_object_type(kind) or is_input_object_type(kind)):
            continue
        lines.append(name)
        for field, held in sorted(kind.fields.items()):
            given = [f"{each}: {one.type}" for each, one in sorted(getattr(held, "args", {}).items())]
            lines.append(f"  {field}{'(' + ', '.join(given) + ')' if given else ''}: {held.type}")
    return lines


def test_every_name_type_and_argument_is_that_of_the_published_schema():
    """Types, nullability and arguments are held by a list of our own."""
    assert fingerprint(schema()) == FINGERPRINT.read_text(encoding="utf-8").splitlines()


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published schema does not lie beside this checkout")
def test_the_list_is_that_of_the_schema_beside_the_checkout():
    """Where the published document lies beside the checkout, the list is made from it."""
    published = build_schema(PUBLISHED.read_text(encoding="utf-8"))

    assert fingerprint(published) == FINGERPRINT.read_text(encoding="utf-8").splitlines()


def test_a_field_without_a_resolver_is_null_and_says_so(emulator):
    """The document is valid; the error has a path and names its basis."""
    answer = emulator.graphql('{ getTest(issueId: "10103") { issueId history(limit: 1) { total } } }')

    assert answer.status == 200
    assert answer.json()["data"] == {"getTest": {"issueId": "10103", "history": None}}
    (error,) = answer.json()["errors"]
    assert (error["path"], error["extensions"]) == (["getTest", "history"], {"basis": "not built"})
    assert "Test.history" in error["message"]


def test_few_fields_at_the_top_have_no_resolver(emulator):
    """All that public documents ask for is built, but these."""
    unbuilt = []
    for root in (schema().query_type, schema().mutation_type):
        for name, field in root.fields.items():
            arguments = ", ".join(
                f"{each}: {sample(one.type)}" for each, one in field.args.items() if str(one.type)[-1] == "!"
            )
            shown = "" if str(field.type) in ("String", "JSON") else "{ __typename }"
            kind = "query" if root is schema().query_type else "mutation"
            answer = emulator.graphql(f"{kind} {{ {name}{f'({arguments})' if arguments else ''} {shown} }}")
            assert answer.status == 200, answer.text
            if any("does not build" in each["message"] for each in answer.json().get("errors", ())):
                unbuilt.append(name)

    assert unbuilt == ["getDataset", "getDatasets", "getBDDStepLibrary", "getManualStepLibrary", "setTestRunTimer"]


def sample(kind):
    """Return a literal of a type."""
    text = str(kind).rstrip("!")
    if text.startswith("["):
        return "[]"
    return {"String": '"x"', "Int": "1", "Boolean": "true"}.get(text, "{}")


def test_the_schema_is_loaded_by_the_first_document_only():
    """The emulator starts without the library of GraphQL."""
    import subprocess
    import sys

    code = "import sys, xray_ci.emulator.server; print('graphql' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)

    assert done.stdout.strip() == "False"
