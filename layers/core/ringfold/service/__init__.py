"""What the functions do, in terms of the core and the ports."""
