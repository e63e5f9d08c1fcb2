"""docs/formats.md says what the tables say."""

from agreement import formats_table


def test_the_page_of_formats_is_made_from_the_tables():
    """Its table equals what `make generate` writes."""
    assert formats_table.PAGE.read_text(encoding="utf-8") == formats_table.page()


def test_every_format_is_listed_once():
    """A row of the formats table is a row of the page."""
    from xray_ci.reports import FORMATS

    listed = [line.split("`")[1] for line in formats_table.table().splitlines()[2:]]
    assert [row.key for row in FORMATS] == listed
