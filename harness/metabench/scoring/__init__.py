"""What came out, as numbers: metrics, intervals, paired tests, ranks."""
