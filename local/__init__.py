"""The whole system on one machine: gateway, workers, AWS services, carrier and scripted model. Never deployed."""
