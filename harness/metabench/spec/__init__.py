"""What to run: protocols, benchmarks, suites, budgets, and the plan of one run. Plain frozen records."""
