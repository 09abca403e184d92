"""The whole stack as processes of this machine, without Docker and root; shared configuration is in ``infra``."""
