"""The channels, one module each; adding one edits nothing else of this package's core."""
