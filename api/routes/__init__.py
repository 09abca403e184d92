"""The HTTP routes, one module per path or protocol; each reads a request, calls the services and responds."""
