"""Where every result went: in reports = sent = stored, with what lies between as terms of the sum.

A value and its sentence; knows nothing of who counted.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Results at each station of a run; None where nobody counted."""

    in_reports: int | None = None
    """Cases of the reports that were used; None where an earlier run read them."""
    folded: int = 0
    """Results that went into another one's, because they are of the same Test."""
    left_out: int = 0
    """By rules, by `unmapped: skip`, or because they could be no result in Xray."""
    further: int = 0
    """Results of cases that name several Tests."""
    not_sent: int = 0
    """Refused one by one, or in requests that did not get through."""
    sent: int
    stored: int | None = None
    """Test Runs read back that are what was sent; None where nothing was read back."""

    @property
    def holds(self) -> bool:
        """Whether everything that was to arrive has arrived, as far as it was read back."""
        return not self.not_sent and self.stored in (None, self.sent)

    def line(self) -> str:
        """Return the sum as people read it."""
        terms = [] if self.in_reports is None else [f"{self.in_reports:,} in reports"]
        if terms:
            terms += [f"{sign} {count:,} {word}" for sign, count, word in (
                ("+", self.further, "of further keys"), ("-", self.folded, "folded"), ("-", self.left_out, "left out"),
                ("-", self.not_sent, "not sent")) if count]
            terms.append("=")
        terms.append(f"{self.sent:,} sent")
        if self.stored is not None:
            terms.append(f"{'=' if self.stored == self.sent else '≠'} {self.stored:,} stored")
        return " ".join(terms)
