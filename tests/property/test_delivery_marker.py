"""Laws of the marker: the same facts make the same word, others never do, and no fact gets out of it."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from xray_ci.ci.provider import Surroundings
from xray_ci.ci.systems import LOCAL, PROVIDERS
from xray_ci.delivery.marker import TOKEN, Marker, jql, marker

TEXTS = st.text(st.characters(), min_size=1, max_size=12)
NUMBERS = st.integers(1, 99).map(str)
FACTS = {
    "repository": TEXTS,
    "workflow": TEXTS,
    "run_id": TEXTS,
    "job": TEXTS,
    "job_group": TEXTS,
    "step": TEXTS,
    "branch": TEXTS,
    "pull_request": NUMBERS,
    "fork_branch": TEXTS,
    "attempt": NUMBERS,
    "tag": TEXTS,
    "run_url": st.sampled_from(["https://a.example/1", "https://b.example/1"]),
}
AROUND = st.fixed_dictionaries({"provider": st.sampled_from(PROVIDERS), **FACTS}).map(
    lambda given: Surroundings(**given)
)
SCOPES = {
    "run": {"repository", "workflow", "run_id", "job", "job_group", "step"},
    "branch": {"repository", "workflow", "branch"},
    "pull-request": {"repository", "workflow", "pull_request"},
    "{tag}{branch}": {"repository", "workflow", "tag", "branch"},
}
TARGETS = st.lists(TEXTS | st.just(""), max_size=4)


def marked(around, **given_):
    return marker(
        **{
            "around": around,
            "scope": "run",
            "explicit": False,
            "on_rerun": "reuse",
            "target": ["a"],
            "group": "",
            "unique": "u",
            **given_,
        }
    )


@given(AROUND, st.sampled_from([*SCOPES]), st.booleans(), st.sampled_from(["reuse", "new"]), TARGETS, TEXTS)
def test_the_same_facts_make_the_same_word(around, scope, explicit, on_rerun, target, unique):
    """Also when the random text differs; and it is one word that asks for a look wherever somebody else may make it."""
    given_ = {"scope": scope, "explicit": explicit, "on_rerun": on_rerun, "target": target}
    found = marked(around, **given_, unique=unique)

    assert found == marked(replace(around), **given_, unique="another")
    assert TOKEN.fullmatch(found.token)
    assert found.token.isalnum()
    assert found.look or not found.race


@given(AROUND, AROUND, st.sampled_from([*SCOPES]), st.sampled_from([*FACTS]))
def test_a_fact_that_differs_makes_another_word_if_it_counts(around, other, scope, name):
    """Every fact of the scope counts, and none besides: a later attempt of whoever else has the same ones finds it."""
    changed = replace(around, **{name: getattr(other, name)})
    # What tells a stranger's branch from ours: the pull request, unless the system says which are strangers'.
    told = "fork_branch" if around.provider.fork_branch else "pull_request"
    beside = {told} if scope in {"branch", "{tag}{branch}"} else set()
    counts = name in SCOPES[scope] | beside | {"run_url"}
    differs = getattr(changed, name) != getattr(around, name)

    same = marked(around, scope=scope).token == marked(changed, scope=scope).token

    assert same is not (counts and differs)


@given(AROUND, TARGETS, TARGETS, TEXTS | st.just(""), TEXTS | st.just(""))
def test_targets_and_groups_never_read_the_same_together(around, target, other, group, other_group):
    """However their texts are cut: `a`, `bc` is not `ab`, `c`, nor is a group a part of the target."""
    same = marked(around, target=target, group=group).token == marked(around, target=other, group=other_group).token

    assert same is ((target, group) == (other, other_group))


@given(AROUND, TEXTS, TEXTS, TEXTS, TEXTS)
def test_facts_of_a_template_never_read_the_same_together(around, tag, branch, other_tag, other_branch):
    """The text that a template makes of them may well be the same."""
    one, two = replace(around, tag=tag, branch=branch), replace(around, tag=other_tag, branch=other_branch)

    same = marked(one, scope="{tag}{branch}").token == marked(two, scope="{tag}{branch}").token

    assert same is ((tag, branch) == (other_tag, other_branch))


@given(AROUND, NUMBERS, NUMBERS)
def test_attempts_share_a_word_unless_each_gets_a_new_one(around, attempt, later):
    """`on-rerun: new` tells them apart; what one attempt made alone is not looked for, where attempts are told."""
    one, two = replace(around, attempt=attempt), replace(around, attempt=later)

    assert marked(one).token == marked(two).token
    assert (attempt == later) is (marked(one, on_rerun="new").token == marked(two, on_rerun="new").token)
    assert marked(one, on_rerun="new").look is one.provider.looks
    assert marked(one).look is (attempt != "1" or one.provider.looks)


@given(st.text(st.characters()), st.text(st.characters()))
def test_runs_that_nothing_identifies_never_meet(unique, other):
    """Each has a word of its own, and looks for nothing."""
    one, two = (marked(Surroundings(provider=LOCAL, attempt="3"), unique=text) for text in (unique, other))

    assert (unique == other) is (one.token == two.token)
    assert Marker(token=one.token, look=False, race=False) == one


@given(AROUND, st.text(st.characters()))
def test_no_fact_gets_into_the_query(around, project):
    """It is made of the word alone; a project stays inside its quotes."""
    found = marked(around)

    assert jql(found, None) == jql(marked(around, unique="x"), None)
    whole = jql(found, project or "P")
    assert whole.endswith(jql(found, None))
    inside = whole.removesuffix(jql(found, None)).removeprefix('project = "').removesuffix('" AND ')
    assert '"' not in inside.replace("\\\\", "").replace('\\"', "")
