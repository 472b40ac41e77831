"""The order of things: the one place that knows which message follows which."""
