"""Parts of the Overview page: health of all services, the served model, and the steps to a first model."""
