"""Costs per row and per request, and what a larger installation would need by them."""
