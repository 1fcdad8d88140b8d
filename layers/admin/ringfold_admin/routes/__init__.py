"""The paths of the API, one module a resource: a request is taken apart, one service called, its answer given back."""
