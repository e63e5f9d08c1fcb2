"""The world as it is after a reset: always the same. Credentials stand here too, as nothing in them is secret."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from xray_ci.emulator.world import (
    PRECONDITION,
    TEST,
    TEST_EXECUTION,
    TEST_PLAN,
    TEST_SET,
    ApiKey,
    ExecutionDetails,
    Issue,
    Login,
    Macro,
    Page,
    PlanDetails,
    PreconditionDetails,
    Project,
    Run,
    SetDetails,
    TestDetails,
    World,
    totals,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


API_KEYS: Final[Mapping[str, ApiKey]] = {
    "EMULATORCLIENTID0000000000000001": ApiKey(secret="emulator-secret"),  # noqa: S106
    "EMULATORCLIENTID0000000000000002": ApiKey(secret="emulator-secret", sees_projects=False),  # noqa: S106
    "EMULATORCLIENTID0000000000000003": ApiKey(secret="emulator-secret", region="eu"),  # noqa: S106
}
SERVER_TOKEN: Final = "emulator-pat"  # noqa: S105
SERVER_TOKEN_EXPIRED: Final = "emulator-pat-expired"  # noqa: S105
SERVER_USER: Final = ("emu", "emu")
JIRA_CLOUD_USER: Final = ("dev@example.com", "emulator-jira-token")
JIRA_CLOUD_SCOPED: Final = "emulator-scoped-token"
JIRA_CLOUD_BEARER: Final = "emulator-oauth-token"
OAUTH_TOKEN: Final = "emulator-oauth1-token"  # noqa: S105
CONSUMERS: Final[Mapping[str, str]] = {
    "emulator-consumer": """-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAq7DdCaZq7n6dt3ICjaME
MXXvZ9YyNL7dDfFz9VbTMx//rao8wrHuItsbv5SAf/3EJX+AU+DEJzJt5z7k/18k
3NZZucjW4P8T5zXxJtDCrlwCjQlq8Pe0GpspsS6guGp6P2pLD2o+yw0k2640reuD
UQnVOLtAwuoGzdcyEbtgSMCyJqIE9TC2+sZT0oYaPLVl9fXY3xY1A1T8qnJ/TzMR
8QBS1WwSTtHxLbLFGj1j3A/qULCehKKpRC8XV3Eo6VQZEktMEp4xLg1JtxdR93zN
Jy5HJzRIxJEh24pLPn4vSkSOIjpNrMvBC04Di6/6Bysu7N+U7ExFTeKpmXHkOMtq
zQIDAQAB
-----END PUBLIC KEY-----
"""
}
"""The private half is docs/emulator-oauth.pem."""
GLOBAL_KEY: Final = "emulator-global-key"
MACRO_KEY: Final = "emulator-macro-key"
CONFLUENCE_TOKEN: Final = "emulator-confluence-pat"  # noqa: S105

CREATED: Final = datetime(2024, 1, 1, 9, 0, tzinfo=UTC)
AUTOMATED_MACRO: Final = "7f3c9a52e1d04b86"

ISSUE_TYPES: Final[Mapping[str, str]] = {
    "Story": "10001",
    "Bug": "10002",
    "Test": "10004",
    "Test Set": "10005",
    "Precondition": "10006",
    "Test Plan": "10007",
    "Test Execution": "10008",
}

_OUTLINE = """Given a cart with <items> items
When the code <code> is entered
Then the discount is <percent> %

Examples:
  | items | code   | percent |
  | 1     | NONE   | 0       |
  | 3     | SUMMER | 10      |"""


def seed() -> World:
    """Make the world; issues made later are numbered from 41 on."""
    world = World(issue_types=dict(ISSUE_TYPES), api_keys=dict(API_KEYS), accounts=accounts())
    world.consumers.update(CONSUMERS)
    world.filters["10300"] = "project = SHOP AND issuetype = Test"
    world.projects["SHOP"] = Project(
        key="SHOP",
        id="10000",
        name="Shop",
        environments=["chrome", "firefox", "linux"],
        versions=["1.0", "1.1"],
        last_number=40,
    )
    _tests(world)
    _others(world)
    _execution(world)
    _pages(world)
    return world


def accounts() -> list[Login]:
    """Return who may log in to which Jira."""
    return [
        Login(
            name="emu",
            account_id="5b10a0000000000000000002",
            display="Emu",
            email="emu@example.com",
            password=SERVER_USER[1],
            token=SERVER_TOKEN,
            oauth_token=OAUTH_TOKEN,
        ),
        Login(
            name="dev",
            account_id="5b10a0000000000000000001",
            display="Dev",
            email=JIRA_CLOUD_USER[0],
            api_token=JIRA_CLOUD_USER[1],
            scoped_token=JIRA_CLOUD_SCOPED,
            bearer=JIRA_CLOUD_BEARER,
        ),
    ]


def _issue(world: World, number: int, kind: str, summary: str, test: TestDetails | None = None) -> Issue:
    return world.add(
        Issue(
            key=f"SHOP-{number}",
            id=str(10100 + number),
            project="SHOP",
            type=kind,
            summary=summary,
            created=CREATED + timedelta(minutes=number),
            seeded=True,
            test=test,
        )
    )


def _tests(world: World) -> None:
    _issue(
        world,
        1,
        TEST,
        "Check out as a guest",
        TestDetails(
            type="Manual",
            requirements=["SHOP-5"],
            steps=[
                {"action": "Open the cart", "data": "", "result": "The cart shows one item"},
                {
                    "action": "Check out without an account",
                    "data": "guest@example.com",
                    "result": "The order is confirmed",
                },
            ],
        ),
    )
    _issue(
        world,
        3,
        TEST,
        "adds_item",
        TestDetails(type="Generic", definition="shop.cart.CartTest.adds_item", requirements=["SHOP-5"]),
    )
    _issue(world, 4, TEST, "Discount codes", TestDetails(type="Cucumber", scenario=_OUTLINE, requirements=["SHOP-5"]))
    _issue(world, 6, TEST, "removes_item", TestDetails(type="Generic", definition="shop.cart.CartTest.removes_item"))
    _issue(
        world, 7, TEST, "price_with_tax", TestDetails(type="Generic", definition="shop.price.PriceTest.price_with_tax")
    )
    _issue(
        world,
        8,
        TEST,
        "Search finds a product",
        TestDetails(
            type="Cucumber", scenario='Given a catalogue\nWhen I search for "lamp"\nThen three products are listed'
        ),
    )


def _others(world: World) -> None:
    plan = _issue(world, 2, TEST_PLAN, "Release 1.1")
    plan.plan = PlanDetails(tests=["SHOP-1", "SHOP-3", "SHOP-4"], executions=["SHOP-40"])
    _issue(world, 5, "Story", "Buy what is in the cart")
    _issue(world, 9, "Bug", "Total is wrong after the last item was removed")
    _issue(world, 11, "Story", "Find a product by name")
    condition = _issue(world, 12, PRECONDITION, "A catalogue with ten products")
    condition.precondition = PreconditionDetails(type="Cucumber", definition="Given a catalogue with ten products")
    smoke = _issue(world, 13, TEST_SET, "Smoke tests")
    smoke.test_set = SetDetails()


def _execution(world: World) -> None:
    issue = _issue(world, 40, TEST_EXECUTION, "Nightly run of 1 January")
    issue.fix_versions = ["1.0"]
    when = "2024-01-01T22:00:00Z"
    runs = (
        ("SHOP-1", "PASSED", ""),
        ("SHOP-3", "PASSED", ""),
        ("SHOP-4", "TO DO", ""),
        ("SHOP-6", "FAILED", "expected 0 items but was 1"),
        ("SHOP-7", "PASSED", ""),
    )
    issue.execution = ExecutionDetails(
        side="cloud",
        plans=["SHOP-2"],
        environments=["linux"],
        revision="4f2a91c",
        started=when,
        finished="2024-01-01T22:04:00Z",
    )
    for test, status, comment in runs:
        issue.execution.runs[test] = Run(
            id=world.next_run_id("cloud"),
            test=test,
            status=status,
            stated=status,
            comment=comment,
            started=when,
            finished="2024-01-01T22:04:00Z",
        )


def _pages(world: World) -> None:
    taken = datetime(2024, 1, 1, 23, 0, tzinfo=UTC)
    now = [totals(world.issues["SHOP-40"])]
    world.pages["131073"] = Page(
        id="131073",
        title="Release readiness",
        version=6,
        changed=taken,
        macros=[
            Macro(title="Latest Test Executions", opaque=AUTOMATED_MACRO, captured=list(now), captured_at=taken),
            Macro(title="Sign-off of release 1.1", opaque=None, captured=list(now), captured_at=taken),
        ],
    )
    world.pages["131074"] = Page(id="131074", title="How we test", version=3, changed=taken)
