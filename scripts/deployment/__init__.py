"""What `make deploy` and `make destroy` are made of."""
