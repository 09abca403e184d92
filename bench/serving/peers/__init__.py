"""The services that ours is compared with, and how each is started."""
