"""Jira Server's refusals in the language of the server: they are localised (O). Data and one lookup."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXTS: Final = (
    (
        re.compile(r"Issue does not exist or you do not have permission to see it\."),
        {
            "de": "Der Vorgang existiert nicht oder Sie haben keine Berechtigung, ihn anzuzeigen.",
            "fr": "Le ticket n'existe pas ou vous n'avez pas l'autorisation de le voir.",
        },
    ),
    (
        re.compile(r"An issue with key '(.*)' does not exist for field 'key'\."),
        {
            "de": r"Für das Feld 'key' ist kein Vorgang mit dem Schlüssel '\1' vorhanden.",
            "fr": r"Il n'existe aucun ticket avec la clé '\1' pour le champ 'key'.",
        },
    ),
    (
        re.compile(r"The value '(.*)' does not exist for the field 'project'\."),
        {
            "de": r"Der Wert '\1' ist für das Feld 'project' nicht vorhanden.",
            "fr": r"La valeur '\1' n'existe pas pour le champ 'project'.",
        },
    ),
    (
        re.compile(r"You must specify a summary of the issue\."),
        {
            "de": "Sie müssen eine Zusammenfassung des Vorgangs angeben.",
            "fr": "Vous devez spécifier un résumé du ticket.",
        },
    ),
)
"""What was recalled of the translations (R); a text without one stays English."""


def said(text: str, language: str) -> str:
    """Return a text of Jira in a language."""
    for pattern, words in _TEXTS:
        found = pattern.fullmatch(text)
        if found is not None and language in words:
            return found.expand(words[language])
    return text


def said_of(errors: Mapping[str, str], language: str) -> dict[str, str]:
    """Return the texts of fields in a language."""
    return {name: said(text, language) for name, text in errors.items()}
