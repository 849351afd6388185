"""The command line: names become records here, and records become text."""
