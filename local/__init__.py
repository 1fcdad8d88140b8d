"""The whole system on one machine: gateway, Lambda workers, AWS services, carrier and scripted model. Never deployed."""
