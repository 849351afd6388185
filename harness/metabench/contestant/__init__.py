"""The process that runs a plugin. It knows neither labels of meta_test nor where anything lies."""
