"""Twilio's REST API through Twilio's own client."""
