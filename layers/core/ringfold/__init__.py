"""Ringfold: serverless AI agents that answer phone calls and texts."""
