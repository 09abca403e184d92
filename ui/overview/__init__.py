"""The Home page: how the services are, what is served, and how a first model comes about."""
