"""What it is run on: recipes of datasets, their files, and the store they are built into."""
