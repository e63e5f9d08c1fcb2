"""Which Tests of a run a site holds: what is asked, and what looks like a renamed one."""

from xray_ci.services.store import ExistingTest
from xray_ci.site import tests as site_tests


def test(key, definition=None, kind="Generic"):
    return ExistingTest(key=key, test_type=kind, definition=definition, summary=definition or key)


test.__test__ = False


class Held:
    """A site with Tests, one of which was moved here from `OLD-1`."""

    def __init__(self, *held):
        self.held = held
        self.asked = []

    def tests_named(self, keys):
        self.asked.append(tuple(keys))
        return tuple(test(key.replace("OLD-1", "SHOP-1")) for key in keys if key in ("SHOP-1", "SHOP-2", "OLD-1"))

    def existing_tests(self, project):
        self.asked.append(project)
        return iter(self.held)


def test_keys_that_are_no_tests_are_missing():
    """One question for a hundred."""
    site = Held()
    assert site_tests.named(site, ("SHOP-1", "SHOP-9", "SHOP-2")) == (("SHOP-9",), 0)
    assert len(site.asked) == 1


def test_an_issue_that_was_moved_is_there():
    """Jira answers with the key that it has now."""
    assert site_tests.named(Held(), ("OLD-1", "SHOP-9")) == (("SHOP-9",), 0)


def test_of_too_many_keys_the_first_are_asked_for():
    """The others are counted, and not claimed to be missing."""
    keys = [f"SHOP-{number}" for number in range(1, site_tests.ASKED + 8)]
    missing, unasked = site_tests.named(Held(), keys)
    assert (len(missing), unasked) == (site_tests.ASKED - 2, 7)


def test_tests_are_read_until_all_are_found():
    """In each project that is in question; a Test of another type is another one."""
    site = Held(
        test("SHOP-1", "a.b"), test("SHOP-2", "c.d", kind="Manual"), test("SHOP-3", "c.d"), test("SHOP-4", "e.f")
    )
    found = site_tests.defined(site, {"Generic\0SHOP\0c.d"})

    assert found.found == {"Generic\0SHOP\0c.d": "SHOP-3"}
    assert [each.key for each in found.others] == ["SHOP-1", "SHOP-2"]
    assert (found.partly, site.asked) == (frozenset(), ["SHOP"])


def test_what_was_not_read_is_said():
    """A project with more Tests than are read is named, unless all were found before."""
    site = Held(test("SHOP-1", "a.b"), test("SHOP-2", "c.d"))
    assert site_tests.defined(site, {"Generic\0SHOP\0x"}, most=2).partly == {"SHOP"}
    assert site_tests.defined(site, {"Generic\0SHOP\0a.b"}, most=2).partly == frozenset()
    assert site_tests.defined(site, {"Generic\0SHOP\0x"}, most=None).partly == frozenset()


def test_renames_are_one_to_one():
    """A new Test looks like one that is nearly the same; the best pair first, and none twice."""
    new = [f"Generic\0SHOP\0{text}" for text in ("a.cart.CartTest.adds", "b.cart.CartTest.addz", "x.y")]
    others = [test("SHOP-1", "b.cart.CartTest.adds"), test("SHOP-2", "q.Other.thing")]
    found = site_tests.renamed(new, others)

    assert [each.key for each in found.values()] == ["SHOP-1"]
    assert site_tests.renamed((), others) == {}


def test_many_alike_cost_no_more_than_their_bound():
    """Only the first of many new Tests are compared, each with some."""
    new = [f"Generic\0SHOP\0shop.Cart.t{number}" for number in range(3_000)]
    others = [test(f"SHOP-{number}", f"shop.Cart.u{number}") for number in range(3_000)]
    assert len(site_tests.renamed(new, others)) <= 200
