"""What Xray Cloud and Xray Server call things and how each words a refusal. Knows no requests and stores nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.emulator.answers import refusal
from xray_ci.emulator.world import TEST, TEST_PLAN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from xray_ci.emulator.answers import Refusal
    from xray_ci.emulator.switches import Switches
    from xray_ci.emulator.world import CustomStatus

PASS: Final = "PASS"  # noqa: S105
FAIL: Final = "FAIL"
TODO: Final = "TODO"
"""What a native report comes to, before it is said in the words of a product."""


class Side:
    """One product; `words` maps PASS, FAIL, TODO to its own statuses."""

    name: str
    words: Mapping[str, str]
    statuses: frozenset[str]

    def __init__(self, switches: Switches, custom: Iterable[CustomStatus] = ()) -> None:
        self.switches = switches
        self.custom = tuple(custom)

    @property
    def names(self) -> frozenset[str]:
        """Return all statuses, built in or made by an administrator."""
        return self.statuses | {each.name for each in self.custom}

    def knows(self, word: str) -> bool:
        """Say whether a word is a status."""
        return word in self.names

    def status(self, word: str) -> str | None:
        """Return what is stored for a status word; None: this one result is refused."""
        raise NotImplementedError

    def missing(self, key: str, kind: str) -> Refusal:
        """Word: an issue does not exist, is not visible, or is of another type."""
        raise NotImplementedError

    def no_tests(self, keys: Iterable[str]) -> Refusal | None:
        """Word: issues that are there are no Tests; None: each is refused on its own."""
        raise NotImplementedError

    def unknown_environments(self, names: Iterable[str]) -> Refusal | None:
        """Word: environments do not exist; None: they are made."""
        raise NotImplementedError

    def project(self, key: str | None) -> Refusal:
        """Word: no project, or one that is not there."""
        raise NotImplementedError

    def field(self, name: str, text: str | None = None, *, fact: str = "") -> Refusal:
        """Word: Jira refuses a field of the new Test Execution; without a text, because it is not on the screen."""
        raise NotImplementedError

    def requirement(self, key: str) -> Refusal | None:
        """Word: a linked issue cannot be covered; None: the link is left out."""
        raise NotImplementedError

    def format(self) -> Refusal:
        """Word: the document breaks the schema."""
        raise NotImplementedError


class Cloud(Side):
    """Xray Cloud."""

    name = "cloud"
    words: Mapping[str, str] = {PASS: "PASSED", FAIL: "FAILED", TODO: "TO DO"}
    statuses = frozenset({"TO DO", "EXECUTING", "PASSED", "FAILED", "ABORTED", "BLOCKED"})

    def status(self, word: str) -> str | None:
        """Store an unknown word as TO DO without telling, or refuse the import: both were observed."""
        if self.knows(word):
            return word
        if word != "TODO" and self.switches.status_policy == "refuse":
            raise self.format()
        return "TO DO"

    def missing(self, key: str, kind: str) -> Refusal:
        """Cloud names the key and the type in one sentence (O for a Test Plan, else A)."""
        text = f"Error importing results: issue with key {key} does not exist or is not of issue type {kind}!"
        return refusal(text, fact="cloud-plan-unknown" if kind == TEST_PLAN else "cloud-execution-unknown")

    def no_tests(self, keys: Iterable[str]) -> Refusal | None:
        """Cloud names all of them in one sentence, a comma without a blank between them (O)."""
        return refusal(f"Issues with keys {','.join(keys)} are not of type Test.", fact="cloud-no-test")

    def unknown_environments(self, names: Iterable[str]) -> Refusal | None:
        """Cloud refuses (O)."""
        listed = ", ".join(f"'{name}'" for name in names)
        return refusal(
            "Error importing results: the following environments don't exist or are not in the context of "
            f"test execution project: {listed}!",
            fact="cloud-environment-unknown",
        )

    def project(self, key: str | None) -> Refusal:
        """Cloud passes on what Jira says (O); without any key the text is assumed."""
        if not key:
            return self.field("project", "project is required", fact="cloud-project-missing")
        return refusal(
            f"Error retrieving Project from Jira with key \"{key}\": No project could be found with key '{key}'.",
            fact="cloud-project-unknown",
        )

    def field(self, name: str, text: str | None = None, *, fact: str = "") -> Refusal:
        """Cloud puts the field's name before Jira's text (O)."""
        text = text or f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
        return refusal(
            f"Error creating Test Execution - Issue create failed! - {name}: {text}", fact=fact or "cloud-field-refused"
        )

    def requirement(self, key: str) -> Refusal | None:  # noqa: ARG002
        """Cloud leaves an unknown requirement out (A)."""
        return None

    def format(self) -> Refusal:
        """Cloud has one sentence for every fault of the document (O)."""
        return refusal("Result is not valid Xray Format", fact="cloud-schema")


_SERVER_TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "de": {
        "project is required": "Das Projekt ist erforderlich",
        "Test issue with key {key} not found.": "Der Test-Vorgang mit dem Schlüssel {key} wurde nicht gefunden.",
        "Field '{key}' cannot be set. It is not on the appropriate screen, or unknown.": "Das Feld '{key}' kann nicht "
        "gesetzt werden. Es ist "
        "nicht in der entsprechenden "
        "Maske oder unbekannt.",
    },
    "fr": {
        "project is required": "le projet est requis",
        "Test issue with key {key} not found.": "Le ticket de test avec la clé {key} est introuvable.",
        "Field '{key}' cannot be set. It is not on the appropriate screen, or unknown.": "Le champ '{key}' ne peut "
        "pas être défini. Il n'est "
        "pas sur l'écran approprié, "
        "ou inconnu.",
    },
}


class Server(Side):
    """Xray Server and Data Center; its texts come in the server's language (O)."""

    name = "server"
    words: Mapping[str, str] = {PASS: "PASS", FAIL: "FAIL", TODO: "TODO"}
    statuses = frozenset({"TODO", "EXECUTING", "PASS", "FAIL", "ABORTED"})

    def say(self, text: str, key: str = "") -> str:
        """Return a text in the server's language."""
        return _SERVER_TEXTS.get(self.switches.language, {}).get(text, text).format(key=key)

    def status(self, word: str) -> str | None:
        """Refuse an unknown word for that one Test (A)."""
        return word if self.knows(word) else None

    def missing(self, key: str, kind: str) -> Refusal:
        """Server has a sentence for Tests (O); the others are assumed."""
        if kind == TEST:
            return refusal(self.say("Test issue with key {key} not found.", key), fact="server-test-unknown")
        return refusal(f"{kind} issue with key {key} not found.", fact="server-issue-unknown")

    def no_tests(self, keys: Iterable[str]) -> Refusal | None:  # noqa: ARG002
        """Server has one text for a key that is not there and one that is no Test (A)."""
        return None

    def unknown_environments(self, names: Iterable[str]) -> Refusal | None:  # noqa: ARG002
        """Server makes them (A)."""
        return None

    def project(self, key: str | None) -> Refusal:  # noqa: ARG002
        """Server has one sentence for none, unknown and invisible (O)."""
        return refusal(f"Error assembling issue data: {self.say('project is required')}", fact="server-project-missing")

    def field(self, name: str, text: str | None = None, *, fact: str = "") -> Refusal:
        """Server gives Jira's text alone (O)."""
        screen = "Field '{key}' cannot be set. It is not on the appropriate screen, or unknown."
        return refusal(
            f"Error assembling issue data: {text or self.say(screen, name)}", fact=fact or "server-field-refused"
        )

    def requirement(self, key: str) -> Refusal | None:
        """Refuse the whole import (O)."""
        return refusal(f"{key} is not a requirement issue or is not a valid issue key.", fact="server-requirement")

    def format(self) -> Refusal:
        """Not known; worded as on Cloud (A)."""
        return refusal("Result is not valid Xray Format", fact="server-schema")
