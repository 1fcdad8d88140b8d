"""What a model may call: the registry, the built-in tools and the demo airline's."""
