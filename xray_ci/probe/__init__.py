"""What a site really does, fact by fact: the table, how each fact is probed, a report without the site's words."""
