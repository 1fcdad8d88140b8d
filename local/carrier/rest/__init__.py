"""Twilio's REST resources as the local run needs them: one module a resource, over the carrier's books.

What lives on other hosts of Twilio's (accounts, iam, voice) answers below the same base, by its path.
"""
