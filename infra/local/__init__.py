"""The whole stack as processes of this machine: no Docker, no root."""
