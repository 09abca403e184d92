"""Parts of the Model page: versions, their metrics and artifacts, gate decisions, comparison and rollback."""
