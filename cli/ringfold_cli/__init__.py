"""The command line of administrators: a thin client of the API."""
