"""JQL made of unsafe values finds what they say and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xray_ci import errors
from xray_ci.emulator.jql import Query
from xray_ci.emulator.world import Issue
from xray_ci.services import store

LABELS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Z")), min_size=1)


def issue(**fields):
    return Issue(
        **{
            "key": "SHOP-1",
            "id": "10101",
            "project": "SHOP",
            "type": "Test Execution",
            "summary": "x",
            "created": None,
            **fields,
        }
    )


@given(LABELS)
def test_a_label_finds_its_own_issue_and_no_other(label):
    """Quotes, backslashes, brackets and words of JQL inside a value stay a value."""
    query = Query(
        f'project = {store.quoted("SHOP")} AND issuetype = "Test Execution" AND labels = {store.quoted(label)}'
    )
    query.places = {"shop": "SHOP"}

    assert query.finds(issue(labels=[label]))
    assert not query.finds(issue(labels=["other", label + "x"]))
    assert not query.finds(issue(labels=[label], type="Test"))
    assert not query.finds(issue(labels=[label], project="OTHER"))


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_no_value_ends_its_quotes(value):
    """Whatever a value holds, the query around it is read to its end."""
    assert Query(store.tests_of(value)).order == [("id", False)]
    assert not any(ord(sign) < 32 for sign in store.quoted(value))


@pytest.mark.parametrize("keys", [[], ["shop-1"], ["SHOP-1", "SHOP-1) OR (key = X-1"], ["SHOP-1 "]])
def test_only_keys_are_listed(keys):
    """Nothing else gets into a list of keys."""
    with pytest.raises(ValueError, match="keys"):
        store.keyed(keys)


def test_keys_that_a_refusal_names_are_left_out():
    """The rest is asked for again; longer keys that hold a named one stay."""
    asked = []

    def ask(query):
        asked.append(query)
        if "SHOP-1," in query:
            raise errors.Refused("no", answer="400: 'SHOP-1' n'existe pas")
        return ["found"]

    assert store.known(["SHOP-1", "SHOP-12", "SHOP-1"], ask) == ("found",)
    assert asked == ["key in (SHOP-1, SHOP-12)", "key in (SHOP-12)"]


@pytest.mark.parametrize("answer", [None, "400: busy", "400: XSHOP-1 SHOP-11 aSHOP-1"])
def test_a_refusal_that_names_no_key_is_raised(answer):
    """It says nothing of the keys."""

    def ask(query):
        raise errors.Refused("no", answer=answer)

    with pytest.raises(errors.Refused):
        store.known(["SHOP-1"], ask)
