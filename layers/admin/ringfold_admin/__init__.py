"""The administrators' API: what `functions/provision` serves and the command line asks for."""
