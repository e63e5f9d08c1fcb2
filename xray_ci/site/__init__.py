"""What is known of a site before anything is written: one finding for each thing an import relies on. Reads only."""
