"""A setting as it was written: its text or YAML value, and where it stands. Knows nothing of what it means."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from xray_ci.settings.problems import WrongValueError

if TYPE_CHECKING:
    from xray_ci.settings.yamltext import YamlNode


class Raw(NamedTuple):
    """One value and its origin."""

    value: str | tuple[str, ...] | YamlNode
    """Text of a variable or flag, texts of a repeated flag, or a value of the config file."""
    origin: str
    """`--x`, `INPUT_X`, `XRAY_CI_X`, `.xray-ci.yml:12:3` or `default`."""

    def text(self) -> str:
        """Return the one text it is, without blanks around it; raises WrongValueError for a list or mapping."""
        return self.verbatim().strip()

    def verbatim(self) -> str:
        """Return the one text it is, as written."""
        if isinstance(self.value, str):
            return self.value
        if isinstance(self.value, tuple):
            return "\n".join(self.value)
        if self.value.text is None:
            raise WrongValueError("It must be one text, not a list or a mapping")
        return self.value.text

    def where(self, at: tuple[int, int] | None) -> str:
        """Return the origin, made more exact by a line and column of the config file or inside the value.

        `.xray-ci.yml:14:5`, `--mapping:3:1`, `INPUT_MAPPING:3:1`.
        """
        if at is None:
            return self.origin
        source = self.origin if isinstance(self.value, (str, tuple)) else self.origin.rsplit(":", 2)[0]
        return f"{source}:{at[0]}:{at[1]}"

    def lines(self) -> tuple[str, ...]:
        """Return the items of a list.

        Its lines, its YAML items or those of a JSON array, without blanks around and without empty ones.

        An array of texts is what GitLab makes of an input that is a list.
        """
        if isinstance(self.value, str):
            written: list[str] = _array(self.value) or [self.value]
        elif isinstance(self.value, tuple):
            written = list(self.value)
        elif self.value.items is None:
            written = [self.verbatim()]
        else:
            written = []
            for item in self.value.items:
                if item.text is None:
                    raise WrongValueError("Each item must be a text", at=(item.line, item.column))
                written.append(item.text)
        return tuple(line.strip() for text in written for line in text.splitlines() if line.strip())


def _array(text: str) -> list[str] | None:
    """Return the items of a JSON array of texts; None for any other text, as `[ab]*.xml`."""
    if not (text.lstrip().startswith("[") and text.rstrip().endswith("]")):
        return None
    import json  # noqa: PLC0415  # only such a text pays

    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return items if all(isinstance(item, str) for item in items) else None
