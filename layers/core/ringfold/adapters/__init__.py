"""AWS and Twilio behind the ports."""
