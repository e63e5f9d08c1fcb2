"""Jira fields by their names: found at the site, and given in the shape in which Jira takes them, on both products."""

import pytest
from emulator_client import Emulated
from job_runs import GITHUB, Inside, case, suite

from xray_ci.emulator.server import Emulator, Serving

WORLD = """
projects: {SHOP: {versions: ["1.0"]}}
accounts:
  - {name: dev, account-id: "5b10", display: Dev, email: dev@example.com,
     token: emulator-pat, api-token: emulator-jira-token}
custom-fields:
  - {id: customfield_20001, name: Squad, type: option, options: [Payments, Basket]}
  - {id: customfield_20002, name: Region, type: option-with-child, options: [Europe > Berlin, Europe > Paris]}
  - {id: customfield_20003, name: Owner, type: user}
  - {id: customfield_20004, name: Platforms, type: array, items: option, options: [Linux, Windows]}
  - {id: customfield_20005, name: Target, type: array, items: version}
  - {id: customfield_20006, name: Story points, type: number}
  - {id: customfield_20007, name: Note}
  - {id: customfield_20008, name: Twice}
  - {id: customfield_20009, name: Twice}
"""
FIELDS = """
Squad: payments
Region: Europe > Berlin
Owner: dev@example.com
Platforms: [linux, Windows]
Target: "1.0"
Story points: 3
NOTE: as it is
customfield_20008: by id
"""


@pytest.fixture
def site(workspace):
    """Serve a site with fields of its own."""
    (workspace / "world.yaml").write_text(WORLD)
    (workspace / "r.xml").write_text(suite("s", case("adds")))
    with Emulator(port=0, serving=Serving(world=str(workspace / "world.yaml"))) as serving:
        yield Emulated(serving.url)


@pytest.fixture
def job(side, site, workspace, clock):
    """Import into it, with credentials of Jira."""
    inside = Inside(site, workspace, clock)
    jira = {"jira_username": "dev@example.com", "jira_token": "emulator-jira-token", "jira_url": site.url}
    base = {"reports": "r.xml", **GITHUB, **(jira if side == "cloud" else {})}
    return lambda *args, **changes: inside(*(args or ("import",)), on=side, **{**base, **changes})


def test_each_kind_of_field_arrives_in_its_shape(job, site, side):
    """Options, one with a child, users, versions, numbers and texts; upper and lower case are the same."""
    result = job(fields=FIELDS)

    assert result.code == 0, result.text
    (issue,) = site.executions()
    held = {name: value for name, value in issue["fields"].items() if name.startswith("customfield_2")}
    assert held == {
        "customfield_20001": {"value": "Payments"},
        "customfield_20002": {"value": "Europe", "child": {"value": "Berlin"}},
        "customfield_20003": {"accountId": "5b10"} if side == "cloud" else {"name": "dev"},
        "customfield_20004": [{"value": "Linux"}, {"value": "Windows"}],
        "customfield_20005": [{"name": "1.0"}],
        "customfield_20006": 3,
        "customfield_20007": "as it is",
        "customfield_20008": "by id",
    }


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ("Sqaud: Payments", "Did you mean `Squad`?"),
        ("Squad: Shipping", "there are Payments, Basket"),
        ("Region: Europe > Rome", "there are Berlin, Paris"),
        ("Owner: nobody@example.com", "not exactly one user"),
        ("Twice: x", "customfield_20008, customfield_20009"),
        ("Story points: many", "no number"),
    ],
)
def test_what_the_site_does_not_have_stops_before_the_import(job, site, fields, told):
    """Exit code 2 says what there is, and nothing is imported."""
    result = job(fields=fields)

    assert result.code == 2, result.text
    assert told in result.text
    assert site.executions() == []


def test_a_value_that_has_a_shape_is_left_as_it_is(job, site):
    """Somebody who knows what Jira wants is not second-guessed."""
    result = job(fields='{"Squad": {"value": "Basket"}}')

    assert result.code == 0, result.text
    (issue,) = site.executions()
    assert issue["fields"]["customfield_20001"] == {"value": "Basket"}


def test_cloud_without_credentials_of_jira_is_told_at_the_start(inside, emulator, reports):
    """By id they need none."""
    named = inside("import", reports="*.xml", fields="Team: Payments")
    by_id = inside("import", reports="*.xml", fields="customfield_10020: Payments")

    assert (named.code, by_id.code) == (2, 0), named.text + by_id.text
    assert "what the field 'Team' is only Jira knows" in named.text
