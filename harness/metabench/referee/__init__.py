"""Who runs it: the process that owns labels, clock and disk. It never imports a plugin's code."""
