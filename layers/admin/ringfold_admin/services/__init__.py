"""What an administrator can do, one module a resource; built by bootstrap.py, free of HTTP."""
