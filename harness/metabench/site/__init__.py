"""The leaderboards as a site: static pages that need no server, no internet and no JavaScript to be read."""
