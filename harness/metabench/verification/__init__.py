"""Whether a result, or a table of results, is what it claims to be: level by level."""
